# SPDX-License-Identifier: MIT
"""SPEC 10 on Temporal: an invoker in Python that keeps the ledger, on Azure tables, takes the place of ours.

Orchestrator, worker, bus and consumers are ours. Every job ends as it should, every slot is freed, also
when the invoker is killed in the middle.
"""
import glob
import os
import subprocess

from azurite import Azurite
from tables_world import Rows, new_tag, table_settings
from temporal_server import free_port
from temporal_world import BOUND, TERMINAL, TemporalWorld, unittest
from world import SDK, SOURCE, clean_environment

PROGRAM = os.path.join(SOURCE, "tests", "integration", "foreign", "ledger_invoker.py")
UNTIL_SWEPT = 240  # seconds: what a killed invoker leaves is looked at after a minute
LIMIT = 9
HANDLER = """directive=$(tr -d ' ')
case $directive in
*'"way":"retry"'*) exit 75 ;;
*'"way":"fail"'*) exit 1 ;;
*'"way":"once"'*'"attempt_no":1,'* | *'"attempt_no":1,'*'"way":"once"'*) exit 75 ;;
esac
echo '"done"'
"""


def packages(name):
    """What is installed in the environment of one of Microsoft's clients."""
    found = glob.glob(os.path.join(SDK, name, "lib", "python3*", "site-packages"))
    if not found:
        raise AssertionError(f"{name} has not been installed")
    return sorted(found)[-1]


class KeepsTheLedger(TemporalWorld):
    def start_invoker(self):
        """On its port, which one that follows takes again."""
        child = subprocess.Popen(
            [os.path.join(SDK, "temporal-python-1.35.0", "bin", "python"), PROGRAM],
            env=clean_environment({
                "ADDRESS": self.server.address, "BUS": self.bus.connection,
                "TABLES": self.azurite.connection, "TABLE": self.tables["LUCIUS_LEDGER_TABLE"],
                "PORT": str(self.port), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(
                    (packages("python-7.15.0"), packages("tables-python-*")))}),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(self._end_child, child)
        self.assertEqual(child.stdout.readline().strip(), str(self.port))
        return child

    def start_parts(self):
        self.azurite = Azurite()
        self.addCleanup(self.azurite.stop)
        self.tables = table_settings("ledger", self.azurite.connection, new_tag())
        self.port = free_port()
        # What the invoker had when it was killed comes again soon.
        self.bus = self.start({"LUCIUS_BUS_LOCK_SECONDS": "5", "LUCIUS_HEALTH_LISTEN": "127.0.0.1:0"},
                              ["--role", "bus"])
        self.invokers = []
        self.orchestrator = self.start_role("orchestrator", {
            **self.tables, "LUCIUS_SWEEP_SECONDS": "1", "LUCIUS_RETRY_INITIAL_SECONDS": "1",
            "LUCIUS_MAX_ATTEMPTS": "2", "LUCIUS_MAX_INFLIGHT_PER_TENANT": str(LIMIT)})
        self.worker = self.start_role(
            "worker", {"LUCIUS_INVOKER_URL": f"http://127.0.0.1:{self.port}"})
        self.invoker = self.start_invoker()

    def make(self, name, **members):
        answer = self.orchestrator.orchestrate(input_ref=name, **members)
        self.assertEqual(answer.status, 202, answer.body)
        return answer.json["jobId"]

    def control(self, job_id, what, state):
        answer = self.orchestrator.ask("POST", f"/v1/jobs/{job_id}:{what}?tenant_id=t1")
        self.assertEqual(answer.status, 200, answer.body)
        self.orchestrator.wait_state(job_id, state)

    def consume_with(self, subscription, step_type):
        self.consume(self.bus, subscription, [self.script(step_type, HANDLER)],
                     arguments=["--step-type", step_type])

    def test_every_job_ends_and_every_slot_is_freed(self):
        self.start_parts()
        ends = {
            self.make("one"): ("SUCCEEDED", 1, None),
            self.make("both", request_type="OCR->EMBEDDING"): ("SUCCEEDED", 2, None),
            self.make("once", payload={"way": "once"}): ("SUCCEEDED", 2, None),
            self.make("retry", payload={"way": "retry"}): ("FAILED_FINAL", 2, "HANDLER_FAILED"),
            self.make("fail", payload={"way": "fail"}): ("FAILED_FINAL", 1, "HANDLER_FAILED"),
        }
        paused = self.make("paused", request_type="EMBEDDING")
        ends[paused] = ("SUCCEEDED", 1, None)
        cancelled = self.make("cancelled", request_type="SIS")
        ends[cancelled] = ("CANCELLED", 1, None)
        for i in range(LIMIT - len(ends)):
            ends[self.make(f"more-{i}")] = ("SUCCEEDED", 1, None)
        self.assertEqual(self.orchestrator.orchestrate(input_ref="over").status, 429)
        for job_id in ends:
            self.wait_until(lambda job_id=job_id: self.orchestrator.job(job_id)["steps"][0]["state"]
                            == "INITIATED")
        self.control(paused, "pause", "PAUSED")
        self.control(cancelled, "cancel", "CANCELLING")
        self.consume_with("distributed-ocr", "OCR")
        self.wait_until(lambda: any(self.orchestrator.job(job_id)["job"]["state"] in TERMINAL
                                    for job_id in ends))
        self.invoker.kill()
        self.invoker.wait(BOUND)
        self.invoker = self.start_invoker()
        self.control(paused, "resume", "QUEUED")
        self.consume_with("vector-ingestion", "EMBEDDING")
        self.consume_with("semantic-intelligence", "SIS")
        self.check_ends(ends)
        rows = Rows(self.azurite.port, self.tables)
        self.wait_until(lambda: rows.slots() == [], bound=UNTIL_SWEPT)
        self.slots_are_free(self.orchestrator, LIMIT)
        self.assertEqual(self.worker.stop(), 0)

    def check_ends(self, ends):
        for job_id, (state, attempts, error_code) in ends.items():
            whole = self.orchestrator.wait_state(job_id, *TERMINAL, bound=UNTIL_SWEPT)
            job = whole["job"]
            self.assertEqual((job["state"], job["attempts_total"], job["error_code"]),
                             (state, attempts, error_code), whole)
            if state == "SUCCEEDED":
                self.assertEqual(job["final_output"], "done")
            self.wait_until(lambda job_id=job_id: self.workflow_status(job_id) != "RUNNING",
                            bound=UNTIL_SWEPT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
