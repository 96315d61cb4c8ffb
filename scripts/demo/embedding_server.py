#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A service with OpenAI's POST /v1/embeddings for demonstrations and tests, on this machine only.

It answers with real vectors of all-MiniLM-L6-v2, whatever model is asked for, and needs the
packages of requirements.txt beside it. It is no service for production: one request at a time.
"""
import argparse
import base64
import http.server
import json
import signal
import sys
import threading

try:
    import minilm
except ImportError as error:
    sys.exit("%s. Install what scripts/demo/requirements.txt lists." % error)

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_INPUTS = 256
INPUTS_AT_ONCE = 16  # rows of one forward pass: bounds its memory
READ_SECONDS = 30


class Refusal(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def read_request(body):
    """The texts and the encoding of a request."""
    try:
        request = json.loads(body)
    except ValueError:
        raise Refusal(400, "The body is not JSON.") from None
    if not isinstance(request, dict):
        raise Refusal(400, "The body is not an object.")
    texts = request.get("input")
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, list) or not texts or len(texts) > MAX_INPUTS:
        raise Refusal(400, "'input' is not a text or a list of 1 to %d texts." % MAX_INPUTS)
    if not all(isinstance(text, str) and text for text in texts):
        raise Refusal(400, "'input' holds something that is no text, or an empty one.")
    if not isinstance(request.get("model"), str) or not request["model"]:
        raise Refusal(400, "'model' is missing.")
    encoding = request.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise Refusal(400, "'encoding_format' is neither 'float' nor 'base64'.")
    if request.get("dimensions") is not None:
        raise Refusal(400, "This model does not support 'dimensions'.")
    return texts, encoding


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = READ_SECONDS
    model = None
    lock = threading.Lock()

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, message):
        self.close_connection = True
        self.answer(status, {"error": {"message": message, "type": "invalid_request_error"}})

    def embed(self, texts, encoding):
        items = []
        n_tokens = 0
        for first in range(0, len(texts), INPUTS_AT_ONCE):
            with self.lock:
                vectors, n_read = self.model.encode(texts[first:first + INPUTS_AT_ONCE])
            n_tokens += n_read
            for vector in vectors:
                value = vector.tolist() if encoding == "float" else \
                    base64.b64encode(vector.astype("<f4").tobytes()).decode()
                items.append({"object": "embedding", "index": len(items), "embedding": value})
        return {"object": "list", "model": minilm.NAME, "data": items,
                "usage": {"prompt_tokens": n_tokens, "total_tokens": n_tokens}}

    def do_GET(self):
        if self.path == "/healthz":
            self.answer(200, {"status": "ok"})
        else:
            self.refuse(404, "There is POST /v1/embeddings here, and GET /healthz.")

    def do_POST(self):
        if self.path.split("?")[0] not in ("/v1/embeddings", "/embeddings"):
            self.refuse(404, "There is POST /v1/embeddings here, and GET /healthz.")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.refuse(413, "The body has no length or is over %d bytes." % MAX_BODY_BYTES)
            return
        try:
            answer = self.embed(*read_request(self.rfile.read(int(length))))
        except Refusal as refusal:
            self.refuse(refusal.status, str(refusal))
        else:
            self.answer(200, answer)

    def log_message(self, *arguments):
        """Says nothing: texts and their owners are nobody's business."""


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    arguments = parser.parse_args()
    Handler.model = minilm.Model()
    server = http.server.ThreadingHTTPServer((arguments.host, arguments.port), Handler)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *unused: threading.Thread(target=server.shutdown).start())
    print("listening on http://%s:%d/v1" % (arguments.host, server.server_port), flush=True)
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        pass
    server.server_close()


if __name__ == "__main__":
    main()
