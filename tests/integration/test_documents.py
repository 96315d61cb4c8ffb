# SPDX-License-Identifier: MIT
"""Documents through the shipped handlers: the real daemon, broker, consumers and tesseract."""
import http.server
import json
import os
import subprocess
import sys
import threading
import unittest
import urllib.parse

import world

HANDLERS = os.path.dirname(world.CONSUMER)
SAMPLE = os.path.join(world.SOURCE, "share/sample/page.png")


class Embeddings(http.server.BaseHTTPRequestHandler):
    """An embeddings service that knows the length of texts and nothing else."""

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.texts += request["input"]
        body = json.dumps({"data": [{"index": i, "embedding": [float(len(text)), 1.0]}
                                    for i, text in enumerate(request["input"])]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Documents(world.World):
    def setUp(self):
        super().setUp()
        self.results = os.path.join(self.folder, "results")
        os.mkdir(self.results)

    def serve_embeddings(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Embeddings)
        server.texts = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        return server

    def read_documents(self, lucius):
        self.consume(lucius, "distributed-ocr", [os.path.join(HANDLERS, "lucius-handler-ocr")],
                     {"LUCIUS_OUTPUT_DIR": self.results, "LUCIUS_OCR_DPI": "150"},
                     ["--step-type", "OCR"])

    def embed_texts(self, lucius, server):
        url = "http://127.0.0.1:%d" % server.server_port
        self.consume(lucius, "vector-ingestion",
                     [os.path.join(HANDLERS, "lucius-handler-embedding")],
                     {"LUCIUS_OUTPUT_DIR": self.results, "EMBEDDING_URL": url})

    def document(self, name):
        directory = os.path.join(self.folder, "documents")
        if not os.path.isdir(directory):
            subprocess.run([sys.executable, os.path.join(
                world.SOURCE, "tests/documents/make_documents.py"), directory], check=True)
        return os.path.join(directory, name)

    def test_sample_page_goes_through_ocr_and_embedding(self):
        lucius = self.start()
        server = self.serve_embeddings()
        self.read_documents(lucius)
        self.embed_texts(lucius, server)
        steps = {"ocr": {}, "embedding": {"model": "m", "chunking": {"strategy": "paragraph",
                                                                     "max_tokens": 20}}}
        job_id = lucius.orchestrate(request_type="OCR->EMBEDDING", input_ref="file://" + SAMPLE,
                                    payload={"steps": steps}).json["jobId"]
        whole = lucius.wait_state(job_id, "SUCCEEDED", "FAILED_FINAL")
        self.assertEqual(whole["job"]["state"], "SUCCEEDED", whole)
        ocr = whole["steps"][0]["result_ref"]
        self.assertEqual(ocr["metadata"]["pages"], 1)
        uri = urllib.parse.urlsplit(whole["job"]["final_output"])
        with open(urllib.parse.unquote(uri.path), encoding="utf-8") as file:
            result = json.load(file)
        self.assertEqual(len(result["chunks"]), len(server.texts))
        self.assertGreater(len(server.texts), 1)
        self.assertIn("Harbour Street Bakery", "\n".join(server.texts))

    def test_what_is_wrong_with_a_document_reaches_the_job(self):
        lucius = self.start({"LUCIUS_MAX_ATTEMPTS": "2", "LUCIUS_RETRY_INITIAL_SECONDS": "1"})
        self.read_documents(lucius)
        jobs = {}
        for name, code, n_attempts in (
                ("encrypted.pdf", "ENCRYPTED_PDF", 1), ("cut.png", "BROKEN_DOCUMENT", 1),
                ("missing.pdf", "DOCUMENT_NOT_FOUND", 1), ("notes.txt", "UNSUPPORTED_FORMAT", 1)):
            answer = lucius.orchestrate(input_ref=self.document(name))
            jobs[answer.json["jobId"]] = (code, n_attempts)
        answer = lucius.orchestrate(input_ref="http://127.0.0.1:1/nobody.pdf")
        jobs[answer.json["jobId"]] = ("DOCUMENT_UNAVAILABLE", 2)
        answer = lucius.orchestrate(input_ref="in")
        jobs[answer.json["jobId"]] = ("REFERENCE_INVALID", 1)
        for job_id, (code, n_attempts) in jobs.items():
            job = lucius.wait_state(job_id, "SUCCEEDED", "FAILED_FINAL")["job"]
            self.assertEqual((job["state"], job["error_code"], job["attempts_total"]),
                             ("FAILED_FINAL", code, n_attempts), job["error_message"])

    def test_pages_of_a_pdf_reach_the_result_in_json(self):
        lucius = self.start()
        self.read_documents(lucius)
        target = os.path.join(self.folder, "result.json")
        job_id = lucius.orchestrate(
            input_ref=self.document("pages.pdf"), output_ref={"uri": "file://" + target},
            payload={"output_format": "JSON", "page_range": "2-3"}).json["jobId"]
        whole = lucius.wait_state(job_id, "SUCCEEDED", "FAILED_FINAL")
        self.assertEqual(whole["job"]["final_output"], "file://" + target, whole)
        with open(target, encoding="utf-8") as file:
            pages = json.load(file)["pages"]
        self.assertEqual([page["text"] for page in pages],
                         ["Page two shows bananas.", "The third page praises cherries."])


if __name__ == "__main__":
    unittest.main()
