# SPDX-License-Identifier: MIT
"""A worker as somebody else might have written it, with Temporal's Python SDK, from SPEC 5 and 10.

It is simple-minded on purpose: with FORGETS=1 it drops every signal that came before its wait
began, and it never calls jobs/outcome, so that only repeats and the sweeper bring its jobs to an
end. Prints "ready" once it polls.

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


@workflow.defn(name="LuciusWorkflow")
class LuciusWorkflow:
    def __init__(self):
        self.results = []

    @workflow.signal
    def step_result(self, reply):
        self.results.append(reply)

    @workflow.signal
    def step_ack(self, reply):
        pass

    @workflow.signal
    def pause(self, order):
        pass

    @workflow.signal
    def resume(self, order):
        pass

    async def run_activity(self, which, argument):
        await workflow.execute_activity(
            which, argument, start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1)))

    def result_of(self, lease_id):
        return next((r for r in self.results if r["lease_id"] == lease_id), None)

    async def attempt(self, job, step, attempt_no):
        lease_id = str(workflow.uuid4())
        limit = job["options"]["step_result_timeout_seconds"]
        expires = workflow.now() + timedelta(seconds=job["options"]["lease_seconds"])
        lease = {"jobId": job["job_id"], "stepId": step["step_id"], "tenant_id": job["tenant_id"],
                 "attempt_no": attempt_no, "lease_id": lease_id,
                 "lease_expires_at": expires.isoformat()}
        await self.run_activity(record_attempt_lease, lease)
        directive = {"type": "DIRECTIVE", **lease, **{k: job[k] for k in DIRECTIVE_OF_JOB},
                     **{k: step[k] for k in DIRECTIVE_OF_STEP}}
        del directive["lease_expires_at"]
        await self.run_activity(publish_to_bus, {"lane": job["lane"], "directive": directive})
        if FORGETS:
            self.results.clear()
        try:
            await workflow.wait_condition(lambda: self.result_of(lease_id) is not None,
                                          timeout=timedelta(seconds=limit))
        except asyncio.TimeoutError:
            return "FAILED_RETRY"
        return self.result_of(lease_id)["status"]

    @workflow.run
    async def run(self, job):
        for step in job["steps"]:
            for attempt_no in range(1, job["options"]["max_attempts"] + 1):
                status = await self.attempt(job, step, attempt_no)
                if status != "FAILED_RETRY":
                    break
            if status != "SUCCEEDED":
                raise ApplicationError(f"step {step['step_id']} ended {status}")
        return {"status": "SUCCEEDED"}


async def main():
    client = await Client.connect(os.environ["ADDRESS"])
    is_over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, is_over.set)
    async with Worker(client, task_queue=os.environ["QUEUE"], workflows=[LuciusWorkflow],
                      activities=[record_attempt_lease, publish_to_bus],
                      max_concurrent_workflow_task_polls=2):
        print("ready", flush=True)
        await is_over.wait()


if __name__ == "__main__":
    asyncio.run(main())
