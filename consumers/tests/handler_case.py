# SPDX-License-Identifier: MIT
"""What the tests of handlers share: running one on a directive, and a web server of their own."""
import hashlib
import http.server
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

RUN_SECONDS = 120


class Answer:
    """What the handler left behind."""

    def __init__(self, process):
        self.status = process.returncode
        self.output = process.stdout.decode()
        self.errors = process.stderr.decode()
        self.reference = json.loads(self.output) if self.output else None

    @property
    def error(self):
        return json.loads(self.errors.strip().splitlines()[-1])

    def path(self):
        uri = urllib.parse.urlsplit(self.reference["uri"])
        return pathlib.Path(urllib.parse.unquote(uri.path))

    def text(self):
        return self.path().read_text()


class HandlerCase(unittest.TestCase):
    """Each test has a directory of its own for results and for temporary files."""

    program = None  # the handler's path

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.results = self.directory / "results"
        self.temporary = self.directory / "temporary"
        self.results.mkdir()
        self.temporary.mkdir()

    def environment(self, **settings):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "ASAN_OPTIONS", "LSAN_OPTIONS",
                                                    "UBSAN_OPTIONS") if name in os.environ}
        return {**kept, "LUCIUS_OUTPUT_DIR": str(self.results), "TMPDIR": str(self.temporary),
                **settings}

    def directive(self, input_ref, payload=None, **members):
        return {"type": "DIRECTIVE", "jobId": "job1", "stepId": "step", "input_ref": input_ref,
                "output_ref": "out", "payload": payload or {}, **members}

    def run_directive(self, directive, **settings):
        process = subprocess.run([self.program], input=json.dumps(directive).encode(),
                                 env=self.environment(**settings), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, timeout=RUN_SECONDS, check=False)
        self.assertEqual(list(self.temporary.iterdir()), [], "temporary files are left behind")
        return Answer(process)

    def run_handler(self, input_ref, payload=None, settings=None, **members):
        return self.run_directive(self.directive(input_ref, payload, **members),
                                  **(settings or {}))

    def check_reference(self, answer, content_type):
        content = answer.path().read_bytes()
        self.assertEqual(answer.status, 0, answer.errors)
        self.assertEqual(answer.reference["content_type"], content_type)
        self.assertEqual(answer.reference["size_bytes"], len(content))
        self.assertEqual(answer.reference["checksum"],
                         "sha256:" + hashlib.sha256(content).hexdigest())

    def check_fails(self, answer, status, code, words):
        self.assertEqual(answer.output, "")
        self.assertEqual((answer.status, answer.error["code"]), (status, code), answer.errors)
        self.assertIn(words, answer.error["message"])

    def check_final(self, answer, code, words):
        self.check_fails(answer, 65, code, words)

    def check_temporary(self, answer, code, words):
        self.check_fails(answer, 75, code, words)

    def serve(self, answer):
        """A web server whose answers `answer(request)` gives: status, headers, body."""
        class Handler(http.server.BaseHTTPRequestHandler):
            def respond(self):
                self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, body = answer(self)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = respond
            do_POST = respond

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                """A client that hangs up early is what some tests are about."""

        server = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        return "http://127.0.0.1:%d" % server.server_port

    def serve_silence(self):
        """A port that takes connections and never says a word."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        return "http://127.0.0.1:%d" % listener.getsockname()[1]
