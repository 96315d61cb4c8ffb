# SPDX-License-Identifier: MIT
"""A worker whose LuciusWorkflow is another one: it begins with an activity that ours has not.

Prints "ready" once it polls, runs until it is killed.

    ADDRESS=127.0.0.1:7233 QUEUE=lucius stranger.py
"""
import asyncio
import os
from datetime import timedelta

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker


@workflow.defn(name="LuciusWorkflow")
class LuciusWorkflow:
    @workflow.run
    async def run(self, _job):
        # Nobody polls that queue: it stays scheduled.
        await workflow.execute_activity("paint_the_house", task_queue="nobody",
                                        start_to_close_timeout=timedelta(seconds=60))


async def main():
    client = await Client.connect(os.environ["ADDRESS"])
    worker = Worker(client, task_queue=os.environ["QUEUE"], workflows=[LuciusWorkflow],
                    workflow_runner=UnsandboxedWorkflowRunner())
    async with worker:
        print("ready", flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
