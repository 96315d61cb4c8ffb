# SPDX-License-Identifier: MIT
"""An invoker as somebody else might have written it, from SPEC 3 to 5, 6 and 10, which keeps the ledger.

Rows on Azure tables (`ledger`), directives and replies on Service Bus, signals with Temporal's SDK. It
has everything that a worker may ask for, and no sweeper: that of the orchestrator is enough.

    ADDRESS=127.0.0.1:7233 BUS=Endpoint=… TABLES=… TABLE=jobledger PORT=8001 ledger_invoker.py
"""
import asyncio
import json
import os
import sys
import threading
import traceback
from http.server import ThreadingHTTPServer

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from json_posts import make_handler
from ledger import Ledger, Refused

BOUND = 20
N_LANES = 16
PROPERTIES = ("tenant_id", "step_type", "service", "lane", "mode", "attempt_no", "lease_id")


class Invoker:
    def __init__(self, loop, client, bus, ledger):
        self.loop = loop
        self.client = client
        self.bus = bus
        self.ledger = ledger
        self.senders = {}
        self.sending = asyncio.Lock()

    def wait_for(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(BOUND)

    async def signal(self, job_id, name, told):
        try:
            await self.client.get_workflow_handle(job_id).signal(name, told)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise

    # What the worker asks for, each in a thread.

    def attempt(self, lease):
        job, _ = self.ledger.change(lease["jobId"], lambda job: job.lease(lease))
        if job.state == "PAUSED":
            self.wait_for(self.signal(lease["jobId"], "pause", {"seq": job.row["control_seq"]}))

    def publish(self, publication):
        directive = publication["directive"]
        job = self.ledger.load(directive["jobId"])
        job.check(job.step(directive["stepId"]), directive, is_publish=True)
        self.wait_for(self.send(publication["lane"], directive))
        self.ledger.change(directive["jobId"], lambda job: job.published(directive))

    def outcome(self, outcome):
        job, _ = self.ledger.change(outcome["jobId"], lambda job: job.outcome(outcome))
        self.ledger.free_slot(job)

    async def send(self, lane, directive):
        properties = {name: directive[name] for name in PROPERTIES}
        message = ServiceBusMessage(
            json.dumps(directive), content_type="application/json", subject=directive["step_type"],
            message_id=f"{directive['jobId']}:{directive['stepId']}:{directive['attempt_no']}",
            application_properties={**properties, "job_id": directive["jobId"],
                                    "step_id": directive["stepId"]})
        async with self.sending:
            if lane not in self.senders:
                self.senders[lane] = self.bus.get_topic_sender(f"global-bus-p{lane}")
            await self.senders[lane].send_messages(message)

    # What the platforms answer.

    def take(self, told):
        """In a thread: what the ledger makes of a reply."""
        job, is_due = self.ledger.change(told["jobId"], lambda job: job.reply(told))
        step = job.step(told["stepId"])
        signal = {"type": told["type"], "jobId": told["jobId"], "tenant_id": job.row["tenant_id"],
                  "stepId": told["stepId"], "attempt_no": step["attempt_no"],
                  "lease_id": step["lease_id"], "timestamp": step["updated_at"]}
        if told["type"] == "RESULT":
            held = job.told(step)
            signal.update(status=held["state"] if held["state"] != "CANCELLED" else "FAILED_FINAL",
                          error=held["error"], output_ref=held["result_ref"])
            if job.has_ended():
                signal["job_state"] = job.state
        return job, signal if is_due else None

    async def on_reply(self, receiver, message):
        told = json.loads(b"".join(message.body))
        try:
            job, signal = await asyncio.to_thread(self.take, told)
        except Refused as error:
            await receiver.dead_letter_message(message, reason="JobUnknown", error_description=str(error))
            return
        if signal is not None:
            name = "step_ack" if told["type"] == "ACK" else "step_result"
            await self.signal(told["jobId"], name, signal)
        if job.has_ended():
            await asyncio.to_thread(self.ledger.free_slot, job)
        await receiver.complete_message(message)

    async def read_lane(self, lane):
        """A message that meets a fault comes again when its lock is over."""
        while True:
            try:
                async with self.bus.get_subscription_receiver(
                        f"global-bus-replies-p{lane}", "lucius-invoker") as receiver:
                    async for message in receiver:
                        await self.on_reply(receiver, message)
            except Exception:  # whatever it is, the others are to be read
                traceback.print_exc(file=sys.stderr)
                await asyncio.sleep(0.5)


def make_answer(invoker):
    ways = {"/v1/internal/steps/attempt": invoker.attempt, "/v1/internal/publish": invoker.publish,
            "/v1/internal/jobs/outcome": invoker.outcome}

    def answer(path, body):
        if path not in ways:
            return 404, {"detail": "Not Found"}
        try:
            ways[path](body)
        except Refused as refused:
            return refused.status, refused.body
        except Exception as error:  # the worker is to ask again
            traceback.print_exc(file=sys.stderr)
            return 503, {"detail": str(error)}
        return 200, {"status": "ok"}
    return answer


async def main():
    client = await Client.connect(os.environ["ADDRESS"])
    bus = ServiceBusClient.from_connection_string(os.environ["BUS"])
    ledger = Ledger(os.environ["TABLES"], os.environ["TABLE"])
    invoker = Invoker(asyncio.get_running_loop(), client, bus, ledger)
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), make_handler(make_answer(invoker)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    await asyncio.gather(*(invoker.read_lane(lane) for lane in range(N_LANES)))


if __name__ == "__main__":
    asyncio.run(main())
