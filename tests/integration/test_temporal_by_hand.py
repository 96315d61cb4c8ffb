# SPDX-License-Identifier: MIT
"""What people do to a workflow with Temporal's own CLI, and its time limit: ledger and slot follow.

Mostly waits: the sweeper asks about a job only when it has not changed for a minute.
"""
from temporal_world import TemporalWorld, unittest

UNTIL_SWEPT = 150  # seconds


class ByHand(TemporalWorld):
    def test_terminate_cancel_and_timeout_end_the_job_and_free_its_slot(self):
        limits = {"LUCIUS_SWEEP_SECONDS": "1", "LUCIUS_MAX_INFLIGHT_PER_TENANT": "2",
                  "LUCIUS_STEP_RESULT_TIMEOUT_SECONDS": "600"}
        lucius = self.start_all(limits)
        impatient = self.start_all({**limits, "LUCIUS_TEMPORAL_TASK_QUEUE": self.queue + "-short",
                                    "LUCIUS_TEMPORAL_WORKFLOW_EXECUTION_TIMEOUT": "3"})
        late = impatient.orchestrate().json["jobId"]
        terminated = lucius.orchestrate(request_type="EMBEDDING").json["jobId"]
        cancelled = lucius.orchestrate(request_type="OCR->EMBEDDING").json["jobId"]
        self.assertEqual(lucius.orchestrate(input_ref="over").status, 429)
        for job_id in (terminated, cancelled):
            lucius.wait_line("directive.published", job_id=job_id)
        self.server.cli("workflow", "terminate", "--workflow-id", terminated)
        self.server.cli("workflow", "cancel", "--workflow-id", cancelled)
        # The attempt that is out may still finish: here it does, and the next step never begins.
        self.consume(lucius, "distributed-ocr", arguments=["--handler", "noop"])
        whole = lucius.wait_state(cancelled, "CANCELLED")
        self.assertEqual([s["state"] for s in whole["steps"]], ["SUCCEEDED", "CANCELLED"])
        self.wait_until(lambda: self.workflow_status(cancelled) == "CANCELED")
        self.wait_until(lambda: self.workflow_status(late) == "TIMED_OUT")
        whole = lucius.wait_state(terminated, "FAILED_FINAL", bound=UNTIL_SWEPT)
        self.assertEqual(whole["job"]["error_code"], "WORKFLOW_TERMINATED")
        whole = impatient.wait_state(late, "FAILED_FINAL", bound=UNTIL_SWEPT)
        self.assertEqual(whole["job"]["error_code"], "WORKFLOW_TIMEOUT")
        for process in (lucius, impatient):
            self.slots_are_free(process, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
