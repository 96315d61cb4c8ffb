# SPDX-License-Identifier: MIT
"""The demo's embedding server and the handler on it: the vectors must mean something."""
import json
import pathlib
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

from handler_case import HandlerCase

SOURCE_ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = sys.argv.pop(1)
SERVER = None


def setUpModule():
    global SERVER
    process = subprocess.Popen([sys.executable, SOURCE_ROOT / "scripts/demo/embedding_server.py"],
                               stdout=subprocess.PIPE, text=True)
    unittest.addModuleCleanup(process.stdout.close)
    unittest.addModuleCleanup(process.wait)
    unittest.addModuleCleanup(process.terminate)
    line = process.stdout.readline()
    SERVER = line.rsplit(" ", 1)[-1].strip()
    assert SERVER.startswith("http://127.0.0.1:"), line


def call(body):
    request = urllib.request.Request(SERVER + "/embeddings", data=json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def similarity(a, b):
    return sum(x * y for x, y in zip(a, b))


class Server(unittest.TestCase):
    def test_related_sentences_lie_closer_than_unrelated_ones(self):
        answer = call({"model": "any", "input": [
            "A man is eating food.", "A man is eating a piece of bread.",
            "The stock market fell sharply today.",
            "Shares lost much of their value this morning."]})
        meal, bread, market, shares = (item["embedding"] for item in answer["data"])
        self.assertAlmostEqual(similarity(meal, meal), 1, places=4)
        # The value that the model's own page gives for this pair.
        self.assertAlmostEqual(similarity(meal, bread), 0.7553, places=3)
        self.assertGreater(similarity(market, shares), 0.5)
        for food in (meal, bread):
            for money in (market, shares):
                self.assertLess(similarity(food, money), 0.2)

    def test_vector_of_a_text_does_not_depend_on_its_neighbours(self):
        alone = call({"model": "m", "input": "short"})["data"][0]["embedding"]
        beside = call({"model": "m", "input": ["a text that is a good deal longer", "short"]})
        self.assertGreater(similarity(alone, beside["data"][1]["embedding"]), 0.9999)

    def test_odd_requests_are_refused(self):
        for body in ({"model": "m"}, {"model": "m", "input": [""]}, {"input": "x"}, [],
                     {"model": "m", "input": ["x"] * 257}):
            with self.assertRaises(urllib.error.HTTPError) as raised:
                call(body)
            self.assertEqual(raised.exception.code, 400)
            raised.exception.close()


class Handler(HandlerCase):
    program = PROGRAM

    def test_handler_embeds_with_the_real_model(self):
        text = self.directory / "text.txt"
        text.write_text("Bread is baked from flour.\n\nThe court adjourned the hearing.")
        answer = self.run_handler(
            str(text), {"model": "all-MiniLM-L6-v2", "normalize": True,
                        "chunking": {"strategy": "paragraph", "max_tokens": 12}},
            {"EMBEDDING_URL": SERVER})
        self.check_reference(answer, "application/json")
        result = json.loads(answer.text())
        bread, court = (chunk["embedding"] for chunk in result["chunks"])
        query = call({"model": "m", "input": "bakery"})["data"][0]["embedding"]
        self.assertEqual((result["dimensions"], len(bread)), (384, 384))
        self.assertGreater(similarity(query, bread), similarity(query, court) + 0.2)


if __name__ == "__main__":
    unittest.main(verbosity=1)
