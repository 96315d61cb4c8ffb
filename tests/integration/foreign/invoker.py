# SPDX-License-Identifier: MIT
"""An invoker as somebody else might have written it, with Temporal's Python SDK, from SPEC 5 and 10.

It has no jobs/outcome (404 on the path), answers errors as {"detail": …}, keeps no ledger of ours and
signals no more than a worker needs. Bus and platform are in it: the step's payload says what comes
back (`way`): succeed, early (before the publish is answered), retry-once, fail, conflict (409 without
a reason), busy (two 503 first). Prints its port once it listens.

    ADDRESS=127.0.0.1:7233 invoker.py
"""
import asyncio
import os
import threading
from http.server import ThreadingHTTPServer

from temporalio.client import Client

from json_posts import make_handler

BOUND = 20


class Invoker:
    def __init__(self, loop, client):
        self.loop = loop
        self.client = client
        self.n_busy = {}

    def signal(self, directive, name, status=None):
        """The least that a worker may count on."""
        told = {k: directive[k] for k in ("stepId", "attempt_no", "lease_id")}
        if status is not None:
            told["status"] = status
        handle = self.client.get_workflow_handle(directive["jobId"])
        return asyncio.run_coroutine_threadsafe(handle.signal(name, told), self.loop)

    def attempt(self, lease):
        del lease
        return 200, {"status": "ok"}

    def publish(self, publication):
        directive = publication["directive"]
        way = directive["payload"].get("way", "succeed")
        if way == "conflict":
            self.signal(directive, "step_result", "SUCCEEDED")
            return 409, {"detail": "already published"}
        if way == "busy" and self.n_busy.setdefault(directive["jobId"], 0) < 2:
            self.n_busy[directive["jobId"]] += 1
            return 503, {"detail": "busy"}
        status = "SUCCEEDED"
        if way == "fail":
            status = "FAILED_FINAL"
        elif way == "retry-once" and directive["attempt_no"] == 1:
            status = "FAILED_RETRY"
        self.signal(directive, "step_ack")
        told = self.signal(directive, "step_result", status)
        if way == "early":
            told.result(BOUND)
        return 200, {"status": "ok"}


def make_answer(invoker):
    ways = {"/v1/internal/steps/attempt": invoker.attempt, "/v1/internal/publish": invoker.publish}

    def answer(path, body):
        return ways[path](body) if path in ways else (404, {"detail": "Not Found"})
    return answer


async def main():
    client = await Client.connect(os.environ["ADDRESS"])
    invoker = Invoker(asyncio.get_running_loop(), client)
    server = ThreadingHTTPServer(("127.0.0.1", 0), make_handler(make_answer(invoker)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
