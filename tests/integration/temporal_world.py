# SPDX-License-Identifier: MIT
"""A Lucius on Temporal for tests: one server a suite, the roles in one process or spread over many.

Each world has a task queue of its own, so that no test meets the workers of another.
"""
import os
import shutil
import tempfile
import time
import uuid

from temporal_server import TemporalServer
from world import BOUND, World, unittest

OK = 'cat >/dev/null; echo \'"{}"\''
TERMINAL = ("SUCCEEDED", "FAILED_FINAL", "CANCELLED")


class TemporalWorld(World):
    server_settings = {}
    server_has_file = False
    search_attributes = {"LuciusTenant": "Keyword", "LuciusRequestType": "Keyword"}

    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="lucius-temporal-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        database = os.path.join(folder, "temporal.db") if cls.server_has_file else None
        cls.server = TemporalServer(folder, database, cls.server_settings, cls.search_attributes)
        cls.server.start()
        cls.addClassCleanup(lambda: cls.server.kill())

    def setUp(self):
        super().setUp()
        self.queue = "lucius-" + uuid.uuid4().hex[:8]

    def temporal(self, **more):
        """Short polls: a stop waits for those that are open."""
        return {"LUCIUS_TEMPORAL_ADDRESS": self.server.address,
                "LUCIUS_TEMPORAL_TASK_QUEUE": self.queue,
                "LUCIUS_TEMPORAL_POLL_SECONDS": "6", **more}

    def sqlite(self):
        return {"LUCIUS_STORAGE_BACKEND": "sqlite",
                "LUCIUS_SQLITE_FILE": os.path.join(self.folder, "jobs.db")}

    def start_all(self, environment=None, **more):
        """All roles in one process."""
        return self.start(self.temporal(**(environment or {})), **more)

    # Split over processes: what they share is the bus, the rows and Temporal.

    def start_bus(self):
        bus = self.start({"LUCIUS_BUS_LISTEN": "127.0.0.1:0", "LUCIUS_HEALTH_LISTEN": "127.0.0.1:0"},
                         ["--role", "bus"])
        bus.wait_line("bus.listening")
        self.bus = bus
        return bus

    def start_role(self, role, environment=None, ready=True):
        settings = {**self.temporal(), **self.sqlite(), "LUCIUS_HEALTH_LISTEN": "127.0.0.1:0",
                    "LUCIUS_BUS_LISTEN": ""}
        if "invoker" in role:
            settings["LUCIUS_SERVICEBUS_CONNECTION"] = self.bus.connection
        if role == "worker":
            settings["LUCIUS_INVOKER_URL"] = ",".join(
                f"http://127.0.0.1:{invoker.invoker_port}" for invoker in self.invokers)
        settings.update(environment or {})
        process = self.start(settings, ["--role", role], ready=ready)
        if role == "invoker":
            self.invokers.append(process)
        return process

    def start_split(self, environment=None, n_each=1):
        """Bus, invokers, workers, orchestrators; gives the three lists."""
        self.start_bus()
        self.invokers = []
        for _ in range(n_each):
            self.start_role("invoker", environment)
        workers = [self.start_role("worker", environment) for _ in range(n_each)]
        orchestrators = [self.start_role("orchestrator", environment) for _ in range(n_each)]
        return orchestrators, workers, self.invokers

    def consume_both(self, lucius):
        """Handlers that succeed at once."""
        return [self.consume(lucius, subscription, arguments=["--handler", "noop"])
                for subscription in ("distributed-ocr", "vector-ingestion")]

    def history(self, job_id):
        return self.server.cli_json("workflow", "show", "--workflow-id", job_id)["events"]

    def workflow_status(self, job_id):
        described = self.server.cli_json("workflow", "describe", "--workflow-id", job_id)
        return described["workflowExecutionInfo"]["status"].removeprefix(
            "WORKFLOW_EXECUTION_STATUS_")

    def wait_until(self, question, bound=BOUND):
        """What the question answers once that is true."""
        end = time.monotonic() + bound
        while True:
            answer = question()
            if answer:
                return answer
            self.assertLess(time.monotonic(), end, f"still not so after {bound} s: {question}")

    def slots_are_free(self, lucius, n, tenant="t1"):
        """The tenant may have n jobs under way, where n is its limit."""
        for i in range(n):
            answer = lucius.orchestrate(tenant_id=tenant, input_ref=f"slot-{i}")
            self.assertEqual(answer.status, 202, answer.body)


__all__ = ["TemporalWorld", "TERMINAL", "OK", "BOUND", "unittest"]
