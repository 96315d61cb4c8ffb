# SPDX-License-Identifier: MIT
"""The embedding handler against a service of the test's own, good and bad."""
import json
import math
import sys
import time
import unittest

from handler_case import HandlerCase

PROGRAM = sys.argv.pop(1)
KEY = "sk-not-for-logs"


def vector(text):
    """Tells texts apart: their length and their first letter."""
    return [float(len(text)), float(ord(text[0])), 0.5]


def answer_for(request):
    """A well-behaved answer, with the items in reverse order."""
    body = json.loads(request.body)
    items = [{"object": "embedding", "index": index, "embedding": vector(text)}
             for index, text in enumerate(body["input"])]
    return {"object": "list", "data": items[::-1], "model": body["model"],
            "usage": {"prompt_tokens": len(items)}}


class EmbeddingCase(HandlerCase):
    program = PROGRAM

    def setUp(self):
        super().setUp()
        self.requests = []

    def service(self, change=lambda request, answer: (200, {}, answer)):
        """Starts a service; `change` may replace status, headers and answer."""
        def answer(request):
            self.requests.append(request)
            status, headers, value = change(request, answer_for(request))
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            return status, headers, body
        return self.serve(answer)

    def text_file(self, content, name="text.txt"):
        path = self.directory / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def embed(self, content, url, payload=None, settings=None, **members):
        payload = {"model": "small", **(payload or {})}
        return self.run_handler(self.text_file(content), payload,
                                {"EMBEDDING_URL": url, **(settings or {})}, **members)

    def bodies(self):
        return [json.loads(request.body) for request in self.requests]


class Embedding(EmbeddingCase):
    def test_chunks_and_vectors_keep_their_order(self):
        text = "First sentence. Second one is here! Third?"
        answer = self.embed(text, self.service(),
                            {"chunking": {"strategy": "sentence", "max_tokens": 6}})
        self.check_reference(answer, "application/json")
        result = json.loads(answer.text())
        ranges = [chunk["text_range"] for chunk in result["chunks"]]
        pieces = [text[piece["start"]:piece["end"]] for piece in ranges]
        self.assertEqual(pieces, ["First sentence.", "Second one is here!", "Third?"])
        self.assertEqual([chunk["embedding"] for chunk in result["chunks"]],
                         [vector(piece) for piece in pieces])
        self.assertEqual((result["model"], result["dimensions"]), ("small", 3))
        self.assertEqual(answer.reference["metadata"]["chunks"], 3)

    def test_inputs_go_in_batches(self):
        answer = self.embed("a b c d e", self.service(), {"chunking": {"max_tokens": 1}},
                            {"LUCIUS_EMBEDDING_BATCH": "2"})
        self.assertEqual([body["input"] for body in self.bodies()],
                         [["a", "b"], ["c", "d"], ["e"]])
        self.assertEqual([chunk["index"] for chunk in json.loads(answer.text())["chunks"]],
                         [0, 1, 2, 3, 4])

    def test_ranges_count_characters_not_bytes(self):
        text = "Grüße, 東京タワー."
        answer = self.embed(text, self.service(), {"chunking": {"max_tokens": 3}})
        chunks = json.loads(answer.text())["chunks"]
        sent = [piece for body in self.bodies() for piece in body["input"]]
        self.assertEqual([text[chunk["text_range"]["start"]:chunk["text_range"]["end"]]
                          for chunk in chunks], sent)
        self.assertEqual("".join(sent).replace(" ", ""), text.replace(" ", ""))

    def test_normalized_vectors_have_length_one(self):
        answer = self.embed("some text", self.service(), {"normalize": True})
        values = json.loads(answer.text())["chunks"][0]["embedding"]
        self.assertAlmostEqual(math.hypot(*values), 1, places=6)

    def test_blank_text_gives_no_chunks_and_asks_nobody(self):
        answer = self.embed(" \n\f", self.service())
        self.assertEqual(json.loads(answer.text())["chunks"], [])
        self.assertEqual(self.requests, [])

    def test_result_of_the_step_before_is_read(self):
        previous = {"uri": self.text_file("from the step before", "other.txt")}
        self.embed("not this", self.service(), previous_result_ref=previous)
        self.assertEqual(self.bodies()[0]["input"], ["from the step before"])

    def test_text_of_an_ocr_result_in_json_is_read(self):
        path = self.text_file(json.dumps({"text": "read by a machine", "pages": []}), "r.json")
        self.embed("x", self.service(), previous_result_ref=path)
        self.assertEqual(self.bodies()[0]["input"], ["read by a machine"])

    def test_result_of_the_step_before_may_lie_outside_the_input_root(self):
        previous = self.results / "ocr.txt"
        previous.write_text("allowed")
        answer = self.embed("x", self.service(), previous_result_ref=str(previous),
                            settings={"LUCIUS_INPUT_ROOT": str(self.temporary)})
        self.assertEqual(answer.status, 0, answer.errors)

    def test_key_and_model_are_sent(self):
        self.embed("text", self.service(), settings={"EMBEDDING_API_KEY": KEY})
        self.assertEqual(self.requests[0].headers["Authorization"], "Bearer " + KEY)
        self.assertEqual(self.requests[0].path, "/v1/embeddings")
        self.assertEqual(self.bodies()[0]["model"], "small")

    def test_key_may_lie_in_a_file(self):
        self.embed("text", self.service(),
                   settings={"EMBEDDING_API_KEY_FILE": self.text_file(KEY + "\n", "key")})
        self.assertEqual(self.requests[0].headers["Authorization"], "Bearer " + KEY)

    def test_azure_deployment_gets_the_key_its_way(self):
        url = self.service() + "/openai/deployments/d/embeddings?api-version=1"
        self.embed("text", url, settings={"OPENAI_API_KEY": KEY})
        self.assertEqual(self.requests[0].headers["api-key"], KEY)
        self.assertEqual(self.requests[0].path,
                         "/openai/deployments/d/embeddings?api-version=1")


class Trouble(EmbeddingCase):
    def failing(self, status, n_times, headers=None, body=b"{}"):
        def change(request, answer):
            is_over = len(self.requests) > n_times
            return (200, {}, answer) if is_over else (status, headers or {}, body)
        return self.service(change)

    def test_busy_service_is_asked_again_when_it_says(self):
        begin = time.monotonic()
        answer = self.embed("text", self.failing(429, 1, {"Retry-After": "1"}))
        self.assertEqual((answer.status, len(self.requests)), (0, 2), answer.errors)
        self.assertGreaterEqual(time.monotonic() - begin, 1)

    def test_long_retry_after_is_left_to_the_next_attempt(self):
        body = json.dumps({"error": {"message": "slow down"}}).encode()
        answer = self.embed("text", self.failing(429, 9, {"Retry-After": "3600"}, body))
        self.check_temporary(answer, "EMBEDDING_BUSY", "429: slow down")
        self.assertEqual(len(self.requests), 1)

    def test_service_that_stays_in_trouble_is_temporary(self):
        answer = self.embed("text", self.failing(503, 99),
                            settings={"LUCIUS_EMBEDDING_SECONDS": "2"})
        self.check_temporary(answer, "EMBEDDING_UNAVAILABLE", "503")
        self.assertGreater(len(self.requests), 1)

    def test_refused_request_is_final_with_the_service_s_words(self):
        body = json.dumps({"error": {"message": "unknown model 'small'"}}).encode()
        answer = self.embed("text", self.failing(400, 9, body=body))
        self.check_final(answer, "EMBEDDING_REFUSED", "unknown model 'small'")

    def test_wrong_key_is_final_and_not_printed(self):
        answer = self.embed("text", self.failing(401, 9), settings={"EMBEDDING_API_KEY": KEY})
        self.check_final(answer, "EMBEDDING_UNAUTHORIZED", "EMBEDDING_API_KEY")
        self.assertNotIn(KEY, answer.errors)

    def test_silent_service_is_temporary_and_bounded(self):
        answer = self.embed("text", self.serve_silence(),
                            settings={"LUCIUS_EMBEDDING_SECONDS": "1"})
        self.check_temporary(answer, "EMBEDDING_UNAVAILABLE", "does not answer")

    def test_service_that_is_down_is_temporary(self):
        answer = self.embed("text", "http://127.0.0.1:1/v1")
        self.check_temporary(answer, "EMBEDDING_UNAVAILABLE", "does not answer")

    def check_answer_refused(self, change, words):
        answer = self.embed("a b", self.service(lambda request, answer: (200, {}, change(answer))),
                            {"chunking": {"max_tokens": 1}})
        self.check_final(answer, "EMBEDDING_ANSWER_INVALID", words)

    def test_answers_that_make_no_sense_are_refused(self):
        def set_item(answer, **members):
            answer["data"][0].update(members)
            return answer
        self.check_answer_refused(lambda answer: b"<html>", "no JSON object")
        self.check_answer_refused(lambda answer: {"data": answer["data"][:1]}, "not one vector")
        self.check_answer_refused(lambda answer: set_item(answer, index=0), "an index twice")
        self.check_answer_refused(lambda answer: set_item(answer, index=7), "out of range")
        self.check_answer_refused(lambda answer: set_item(answer, embedding=[]), "without numbers")
        self.check_answer_refused(lambda answer: set_item(answer, embedding=[1.0]), "lengths")
        self.check_answer_refused(lambda answer: set_item(answer, embedding=[1, "2", 3]),
                                  "no number")
        self.check_answer_refused(lambda answer: set_item(answer, embedding=[1, 1e300, 3]),
                                  "no number")


class Refusing(EmbeddingCase):
    def check_payload(self, payload, code, words):
        self.check_final(self.embed("text", "http://127.0.0.1:1", payload), code, words)

    def test_odd_payloads_are_named(self):
        self.check_payload({"chunking": 3}, "CHUNKING_INVALID", "not an object")
        self.check_payload({"chunking": {"strategy": "magic"}}, "CHUNKING_INVALID", "magic")
        self.check_payload({"chunking": {"max_tokens": 0}}, "PAYLOAD_INVALID", "max_tokens")
        self.check_payload({"chunking": {"max_tokens": 5, "overlap_tokens": 5}},
                           "CHUNKING_INVALID", "below max_tokens")
        self.check_payload({"normalize": "yes"}, "PAYLOAD_INVALID", "normalize")
        self.check_payload({"model": None}, "MODEL_MISSING", "EMBEDDING_MODEL")

    def test_picture_is_no_text(self):
        answer = self.embed(b"\x89PNG\r\n\x1a\n\0\0", "http://127.0.0.1:1")
        self.check_final(answer, "NOT_TEXT", "OCR step")

    def test_text_of_too_many_chunks_is_refused(self):
        answer = self.embed("a b c", "http://127.0.0.1:1", {"chunking": {"max_tokens": 1}},
                            {"LUCIUS_EMBEDDING_MAX_CHUNKS": "2"})
        self.check_final(answer, "TOO_MANY_CHUNKS", "2 chunks")

    def test_missing_and_odd_settings_are_named(self):
        answer = self.run_handler(self.text_file("x"), {"model": "m"})
        self.check_fails(answer, 78, "MISCONFIGURED", "EMBEDDING_URL is not set")
        answer = self.embed("x", "ftp://host")
        self.check_fails(answer, 78, "MISCONFIGURED", "http://")
        both = {"EMBEDDING_API_KEY": KEY, "EMBEDDING_API_KEY_FILE": "/x"}
        answer = self.embed("x", "http://127.0.0.1:1", settings=both)
        self.check_fails(answer, 78, "MISCONFIGURED", "both set")
        self.assertNotIn(KEY, answer.errors)

    def test_word_of_the_canvas_is_no_reference(self):
        answer = self.run_handler("in", {"model": "m"}, {"EMBEDDING_URL": "http://127.0.0.1:1"})
        self.check_final(answer, "REFERENCE_INVALID", "'in'")


if __name__ == "__main__":
    unittest.main(verbosity=1)
