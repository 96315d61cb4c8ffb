# SPDX-License-Identifier: MIT
"""A worker as somebody else might have written it, with Temporal's Python SDK, from SPEC 5 and 10.

With FORGETS=1 it is simple-minded on purpose: it drops every signal that came before its wait began,
takes no ACK, waits for nothing between attempts and never calls jobs/outcome, so that only repeats
and the sweeper bring its jobs to an end. Without, it does what SPEC 5 says, pause and cancel aside.
Prints "ready" once it polls.

    ADDRESS=127.0.0.1:7233 QUEUE=lucius INVOKER_URL=http://127.0.0.1:8001 worker.py
"""
import asyncio
import json
import os
import signal
import urllib.error
import urllib.request
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

FORGETS = os.environ.get("FORGETS") == "1"
DIRECTIVE_OF_JOB = ("tenant_id", "protocol_id", "mode", "correlation_id", "traceparent", "lane",
                    "routing_key_used")
DIRECTIVE_OF_STEP = ("step_type", "payload", "input_ref", "output_ref", "workspace_ref")


def ask_invoker(path, body):
    request = urllib.request.Request(os.environ["INVOKER_URL"] + path, json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        detail = error.read().decode(errors="replace")
        raise ApplicationError(f"{path}: {error.code} {detail}", type=str(error.code),
                               non_retryable=error.code < 500) from error


@activity.defn
async def record_attempt_lease(lease):
    return await asyncio.to_thread(ask_invoker, "/v1/internal/steps/attempt", lease)


@activity.defn
async def publish_to_bus(publication):
    return await asyncio.to_thread(ask_invoker, "/v1/internal/publish", publication)


@activity.defn
async def record_job_outcome(outcome):
    return await asyncio.to_thread(ask_invoker, "/v1/internal/jobs/outcome", outcome)


@workflow.defn(name="LuciusWorkflow")
class LuciusWorkflow:
    def __init__(self):
        self.results = {}
        self.acks = set()

    @workflow.signal
    def step_result(self, reply):
        self.results.setdefault(reply["lease_id"], reply)

    @workflow.signal
    def step_ack(self, reply):
        self.acks.add(reply["lease_id"])

    @workflow.signal
    def pause(self, order):
        pass

    @workflow.signal
    def resume(self, order):
        pass

    async def run_activity(self, which, argument):
        await workflow.execute_activity(
            which, argument, start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1),
                                     maximum_interval=timedelta(seconds=60)))

    async def wait(self, lease_id, seconds):
        """Whether the RESULT came in time; the first ACK starts the time once more."""
        has_ack = FORGETS or lease_id in self.acks
        while lease_id not in self.results:
            try:
                await workflow.wait_condition(
                    lambda: lease_id in self.results or not has_ack and lease_id in self.acks,
                    timeout=timedelta(seconds=seconds))
            except asyncio.TimeoutError:
                return False
            has_ack = True
        return True

    async def attempt(self, job, step, previous, attempt_no):
        options = job["options"]
        lease_id = workflow.uuid4().hex
        expires = workflow.now() + timedelta(seconds=options["lease_seconds"])
        lease = {"jobId": job["job_id"], "stepId": step["step_id"], "tenant_id": job["tenant_id"],
                 "attempt_no": attempt_no, "lease_id": lease_id,
                 "lease_expires_at": expires.isoformat()}
        await self.run_activity(record_attempt_lease, lease)
        directive = {"type": "DIRECTIVE", **lease, **{k: job[k] for k in DIRECTIVE_OF_JOB},
                     **{k: step[k] for k in DIRECTIVE_OF_STEP}}
        if FORGETS:
            del directive["lease_expires_at"]
        else:
            directive["previous_result_ref"] = previous
        await self.run_activity(publish_to_bus, {"lane": job["lane"], "directive": directive})
        if FORGETS:
            self.results.clear()
        if not await self.wait(lease_id, options["step_result_timeout_seconds"]):
            return {"status": "FAILED_RETRY", "error": {"code": "STEP_TIMEOUT", "message": ""}}
        return self.results[lease_id]

    async def do_step(self, job, step, previous):
        options = job["options"]
        backoff = options["retry_initial_seconds"]
        for attempt_no in range(1, options["max_attempts"] + 1):
            reply = await self.attempt(job, step, previous, attempt_no)
            if reply["status"] != "FAILED_RETRY" or attempt_no == options["max_attempts"]:
                return reply
            if not FORGETS:
                await workflow.sleep(backoff)
                backoff = min(backoff * 2, options["retry_max_seconds"])
        return reply

    @workflow.run
    async def run(self, job):
        previous = None
        for step in job["steps"]:
            reply = await self.do_step(job, step, previous)
            if reply["status"] != "SUCCEEDED":
                if not FORGETS and "job_state" not in reply:
                    await self.run_activity(record_job_outcome, {
                        "jobId": job["job_id"], "tenant_id": job["tenant_id"],
                        "stepId": step["step_id"], "status": "FAILED_FINAL",
                        "error": reply.get("error")})
                raise ApplicationError(f"step {step['step_id']} ended {reply['status']}")
            previous = reply.get("output_ref", step["output_ref"])
        return {"status": "SUCCEEDED"}


async def main():
    client = await Client.connect(os.environ["ADDRESS"])
    is_over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, is_over.set)
    async with Worker(client, task_queue=os.environ["QUEUE"], workflows=[LuciusWorkflow],
                      activities=[record_attempt_lease, publish_to_bus, record_job_outcome],
                      max_concurrent_workflow_task_polls=2):
        print("ready", flush=True)
        await is_over.wait()


if __name__ == "__main__":
    asyncio.run(main())
