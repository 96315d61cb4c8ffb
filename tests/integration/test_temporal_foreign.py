# SPDX-License-Identifier: MIT
"""SPEC 10 on Temporal: a worker, and an invoker, written with Temporal's Python SDK take the place of ours.

The worker forgets what comes while it publishes and never records an outcome; the invoker has no such
call and keeps no ledger of ours. Every job ends all the same and every slot is freed. Mostly waits:
repeats and the sweeper begin after a minute.
"""
import os
import subprocess

import side_by_side
from temporal_world import TERMINAL, TemporalWorld
from world import SDK, SOURCE, clean_environment

PYTHON = os.path.join(SDK, "temporal-python-1.35.0", "bin", "python")
UNTIL_SWEPT = 240  # seconds: a minute a step, and what a busy machine adds


class Foreign(TemporalWorld):
    def start_foreign(self, program, **environment):
        child = subprocess.Popen(
            [PYTHON, os.path.join(SOURCE, "tests", "integration", "foreign", program)],
            env=clean_environment({"ADDRESS": self.server.address, "QUEUE": self.queue,
                                   **environment}),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(self._end_child, child)
        self.child = child
        return child.stdout.readline().strip()

    def start_without_worker(self, **more):
        return self.start(
            self.temporal(LUCIUS_SWEEP_SECONDS="1", LUCIUS_RETRY_INITIAL_SECONDS="1",
                          **self.sqlite(), **more),
            ["--role", "orchestrator,invoker"])

    def test_forgetful_worker_ends_every_job_and_every_slot_is_freed(self):
        lucius = self.start_without_worker(LUCIUS_MAX_INFLIGHT_PER_TENANT="5",
                                           LUCIUS_MAX_ATTEMPTS="2")
        said = self.start_foreign("worker.py", FORGETS="1",
                                  INVOKER_URL=f"http://127.0.0.1:{lucius.invoker_port}")
        self.assertEqual(said, "ready")
        self.consume(lucius, "distributed-ocr", arguments=["--handler", "noop"])
        self.consume(lucius, "vector-ingestion", [self.script(
            "retries", "cat >/dev/null; exit 75")], arguments=["--step-type", "EMBEDDING"])
        self.consume(lucius, "semantic-intelligence", [self.script(
            "fails", "cat >/dev/null; exit 1")], arguments=["--step-type", "SIS"])
        ways = {
            "OCR": "SUCCEEDED",
            "EMBEDDING": "FAILED_FINAL",  # its attempts are used up; nobody records that
            "SIS": "FAILED_FINAL",
            "OCR->EMBEDDING": "FAILED_FINAL",
        }
        made = {way: lucius.orchestrate(request_type=way).json["jobId"] for way in ways}
        stuck = lucius.orchestrate(input_ref="stuck").json["jobId"]
        self.assertEqual(lucius.orchestrate(input_ref="over").status, 429)
        for way, state in ways.items():
            whole = lucius.wait_state(made[way], *TERMINAL, bound=UNTIL_SWEPT)
            self.assertEqual(whole["job"]["state"], state, whole)
        lucius.wait_state(stuck, "SUCCEEDED", bound=UNTIL_SWEPT)
        # A workflow that has lost the signal which closed its job learns of it at its next lease; it
        # holds no slot meanwhile.
        self.wait_until(lambda: lucius.orchestrate(
            tenant_id="t1", input_ref="again-0").status == 202, bound=UNTIL_SWEPT)
        self.slots_are_free(lucius, 4)

    def test_jobs_that_a_python_worker_leaves_half_done_are_ended_by_ours(self):
        lucius = self.start_without_worker()
        url = f"http://127.0.0.1:{lucius.invoker_port}"
        self.assertEqual(self.start_foreign("worker.py", INVOKER_URL=url), "ready")
        flag = os.path.join(self.folder, "go")
        self.consume(lucius, "distributed-ocr", [self.script(
            "waits", f"cat >/dev/null; until [ -e {flag} ]; do sleep 0.1; done; echo '\"text\"'")],
                     arguments=["--step-type", "OCR", "--concurrency", "3"])
        self.consume(lucius, "vector-ingestion", arguments=["--handler", "noop"])
        made = [lucius.orchestrate(request_type="OCR->EMBEDDING", input_ref=str(i)).json["jobId"]
                for i in range(3)]
        for job_id in made:
            lucius.wait_line("reply.ack", job_id=job_id)
            # Its wait has begun.
            self.wait_until(lambda job_id=job_id: any(
                "timerStartedEventAttributes" in event for event in self.history(job_id)))
        self.child.kill()
        self.child.wait()
        ours = self.start({**self.temporal(), "LUCIUS_INVOKER_URL": url,
                           "LUCIUS_HEALTH_LISTEN": "127.0.0.1:0"}, ["--role", "worker"])
        with open(flag, "w", encoding="ascii"):
            pass
        for job_id in made:
            whole = lucius.wait_state(job_id, "SUCCEEDED")
            self.assertEqual([s["attempt_no"] for s in whole["steps"]], [1, 1])
            self.wait_until(lambda job_id=job_id: self.workflow_status(job_id) == "COMPLETED")
        self.assertEqual(ours.stop(), 0)

    def test_invoker_without_outcome_and_ledger_leaves_no_workflow_and_no_slot(self):
        port = self.start_foreign("invoker.py")
        worker = self.start({**self.temporal(), "LUCIUS_INVOKER_URL": f"http://127.0.0.1:{port}",
                             "LUCIUS_HEALTH_LISTEN": "127.0.0.1:0"}, ["--role", "worker"])
        lucius = self.start({**self.temporal(LUCIUS_SWEEP_SECONDS="1"), **self.sqlite(),
                             "LUCIUS_RETRY_INITIAL_SECONDS": "1",
                             "LUCIUS_MAX_INFLIGHT_PER_TENANT": "6"}, ["--role", "orchestrator"])
        ways = {"succeed": "COMPLETED", "early": "COMPLETED", "retry-once": "COMPLETED",
                "conflict": "COMPLETED", "busy": "COMPLETED", "fail": "FAILED"}
        made = {way: lucius.orchestrate(payload={"way": way}).json["jobId"] for way in ways}
        self.assertEqual(lucius.orchestrate(input_ref="over").status, 429)
        for way, status in ways.items():
            self.wait_until(lambda way=way: self.workflow_status(made[way]) != "RUNNING")
            self.assertEqual(self.workflow_status(made[way]), status, way)
        # It has told our ledger nothing: what the sweeper finds is all that the rows learn.
        for way, status in ways.items():
            whole = lucius.wait_state(made[way], "FAILED_FINAL", bound=UNTIL_SWEPT)
            self.assertEqual(whole["job"]["error_code"],
                             "WORKFLOW_FAILED" if status == "FAILED" else "WORKFLOW_INCOMPLETE")
        self.slots_are_free(lucius, 6)
        self.assertEqual(worker.stop(), 0)


if __name__ == "__main__":
    side_by_side.main()
