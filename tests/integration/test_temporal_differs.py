# SPDX-License-Identifier: MIT
"""A history that is not what the definition does fails the task, once, and never the workflow."""
import json
import os
import subprocess

from temporal_world import TemporalWorld, unittest
from world import SDK, SOURCE, clean_environment

PYTHON = os.path.join(SDK, "temporal-python-1.35.0", "bin", "python")
JOB = "00000000000000000000000000000001"


class Differs(TemporalWorld):
    def run_stranger_until_its_activity_waits(self):
        child = subprocess.Popen(
            [PYTHON, os.path.join(SOURCE, "tests", "integration", "foreign", "stranger.py")],
            env=clean_environment({"ADDRESS": self.server.address, "QUEUE": self.queue}),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(self._end_child, child)
        self.assertEqual(child.stdout.readline().strip(), "ready")
        given = {"job_id": JOB, "tenant_id": "t1", "steps": [{"step_id": "ocr"}], "options": {}}
        self.server.cli("workflow", "start", "--type", "LuciusWorkflow", "--task-queue", self.queue,
                        "--workflow-id", JOB, "--input", json.dumps(given))
        self.wait_until(lambda: self.of_type("EVENT_TYPE_ACTIVITY_TASK_SCHEDULED"))
        child.kill()
        child.wait()

    def of_type(self, name):
        return [event for event in self.history(JOB) if event["eventType"] == name]

    def signal(self):
        self.server.cli("workflow", "signal", "--workflow-id", JOB, "--name", "step_ack",
                        "--input", "{}")

    def test_history_of_another_workflow_is_refused_once_and_the_run_lives(self):
        self.run_stranger_until_its_activity_waits()
        lucius = self.start_all()
        self.signal()
        line = lucius.wait_line("workflow.non_deterministic", job_id=JOB)
        self.assertIn("paint_the_house", line["message"])
        failed = self.wait_until(lambda: self.of_type("EVENT_TYPE_WORKFLOW_TASK_FAILED"))
        self.assertEqual(failed[0]["workflowTaskFailedEventAttributes"]["cause"],
                         "WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR")
        # A signal makes the next attempt a first one again: it is not answered so soon.
        n_seen = len(lucius.lines)
        self.signal()
        lucius.wait_line("workflow.non_deterministic", after=n_seen, job_id=JOB)
        self.assertEqual(len(self.of_type("EVENT_TYPE_WORKFLOW_TASK_FAILED")), 1)
        self.assertEqual(self.workflow_status(JOB), "RUNNING")
        self.assertEqual(lucius.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
