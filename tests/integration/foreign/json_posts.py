# SPDX-License-Identifier: MIT
"""JSON that is posted, for invokers of others: a path and a body in, a status and a body out."""
import json
from http.server import BaseHTTPRequestHandler


def make_handler(answer):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answered = answer(self.path, body)
            text = json.dumps(answered).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments):
            del arguments
    return Handler
