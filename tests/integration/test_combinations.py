# SPDX-License-Identifier: MIT
"""All combinations of backends in one process, each reached from its neighbour by one option; and what may
be split over processes. Everything that a backend needs is configured all the time: only names change."""
import itertools
import os
import pathlib
import sys
import time
import uuid

from azurite import connection_string
from tables_world import BACKENDS, new_tag, shared_azurite, table_settings
from temporal_world import TemporalWorld, unittest
from world import BOUND, PLUGINS, SOURCE

sys.path.insert(0, os.path.join(SOURCE, "tests/appconfig"))
from server import AppConfig  # noqa: E402

KINDS = {"storage": "LUCIUS_STORAGE_BACKEND", "bus": "LUCIUS_BUS_BACKEND",
         "workflow": "LUCIUS_WORKFLOW_BACKEND", "config": "LUCIUS_CONFIG_SOURCE"}
ATTEMPTS = 7


def names_of(kind):
    found = pathlib.Path(PLUGINS).glob(f"{kind}-*.so")
    return sorted(path.stem.split("-", 1)[1] for path in found)


def tables():
    """What both backends on tables need: tables that no other run has."""
    settings = {}
    for backend in BACKENDS:
        settings.update(table_settings(backend, connection_string(shared_azurite().port), new_tag()))
    del settings["LUCIUS_STORAGE_BACKEND"]
    return settings


class Combinations(TemporalWorld):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = AppConfig()
        cls.addClassCleanup(cls.source.stop)
        cls.source.store.put("Lucius:MaxAttempts", str(ATTEMPTS))

    def everything(self):
        """What all backends need, and no choice."""
        return {**self.temporal(), **tables(), "LUCIUS_SQLITE_FILE": os.path.join(self.folder, f"{uuid.uuid4()}.db"),
                "LUCIUS_CHAOS_STORAGE": "sqlite", "LUCIUS_CHAOS_UNKNOWN_PERMILLE": "20",
                "LUCIUS_CHAOS_CONFLICT_PERMILLE": "20",
                "LUCIUS_SERVICEBUS_CONNECTION": self.bus.connection,
                "LUCIUS_APPCONFIG_CONNECTION": self.source.connection(),
                "LUCIUS_TEMPORAL_TASK_QUEUE": "lucius-" + uuid.uuid4().hex[:8],
                "LUCIUS_SWEEP_SECONDS": "1"}

    def settings(self, chosen):
        settings = self.everything()
        settings.update({KINDS[kind]: name for kind, name in chosen.items() if name})
        if not chosen["config"]:
            del settings["LUCIUS_APPCONFIG_CONNECTION"]
        return settings

    def insist(self, question):
        """A storage that says UNKNOWN is asked again, as clients do."""
        answer = question()
        for _ in range(50):
            if answer.status != 503:
                break
            answer = question()
        return answer

    def run_job(self, chosen):
        lucius = self.start(self.settings(chosen))
        consumers = [] if chosen["bus"] == "servicebus" else [
            self.consume(lucius, name, arguments=["--handler", "noop"])
            for name in ("distributed-ocr", "vector-ingestion")]
        answer = self.insist(lambda: lucius.orchestrate(request_type="OCR->EMBEDDING"))
        self.assertEqual(answer.status, 202, answer.body)
        path = f"/v1/jobs/{answer.json['jobId']}?tenant_id=t1"
        state = None
        # A job whose creation was answered with "unknown" is started by the sweeper, which leaves all
        # alone for its first minute.
        end = time.monotonic() + 60 + BOUND
        while state != "SUCCEEDED":
            self.assertLess(time.monotonic(), end, f"{state}\n" + "\n".join(lucius.raw[-30:]))
            whole = self.insist(lambda: lucius.ask("GET", path)).json
            state = whole["job"]["state"]
        self.assertEqual([s["state"] for s in whole["steps"]], ["SUCCEEDED", "SUCCEEDED"])
        expected = ATTEMPTS if chosen["config"] else 3
        self.assertEqual(whole["job"]["options"]["max_attempts"], expected)
        for process in (lucius, *consumers):
            self._end(process)

    def test_every_combination_runs_a_job_and_one_option_swaps_one_backend(self):
        self.start_bus()
        for name in ("distributed-ocr", "vector-ingestion"):
            self.consume(self.bus, name, arguments=["--handler", "noop"])
        choices = {"storage": names_of("storage"), "bus": names_of("bus"),
                   "workflow": names_of("workflow"), "config": ["", *names_of("config")]}
        self.assertEqual(set(choices["storage"]), {"memory", "sqlite", "chaos", "table", "ledger"})
        self.assertEqual(set(choices["bus"]), {"local", "servicebus"})
        self.assertEqual(set(choices["workflow"]), {"local", "temporal"})
        walked = 0
        for names in itertools.product(*choices.values()):
            chosen = dict(zip(choices, names))
            with self.subTest(**chosen):
                self.run_job(chosen)
                walked += 1
        print(f"{walked} combinations", flush=True)

    def refused(self, role, chosen):
        settings = {**self.settings({"config": "", **chosen}), "LUCIUS_BUS_LISTEN": "off"}
        process = self.start(settings, ["--role", role], ready=False)
        self.assertEqual(process.wait_end(), 78)
        return "\n".join(process.raw)

    def test_what_lives_in_one_process_is_refused_when_roles_are_split(self):
        self.start_bus()
        good = {"storage": "sqlite", "bus": "servicebus", "workflow": "temporal"}
        for kind, name, role, remedy in (
                ("storage", "memory", "orchestrator", "set LUCIUS_STORAGE_BACKEND to sqlite"),
                ("bus", "local", "invoker", "LUCIUS_SERVICEBUS_CONNECTION"),
                ("workflow", "local", "worker", "set LUCIUS_TEMPORAL_ADDRESS")):
            with self.subTest(kind=kind):
                self.assertIn(remedy, self.refused(role, {**good, kind: name}))


if __name__ == "__main__":
    unittest.main(verbosity=2)
