# SPDX-License-Identifier: MIT
"""Records what a worker on Temporal's Python SDK leaves in the history, for the replay tests.

    record_histories.py FOLDER      with the environment of the integration tests

Not a test: its files are kept in plugins/workflow-temporal/tests/histories and replayed there.
"""
import json
import os
import sys

from temporal_world import TERMINAL, unittest
from test_temporal_foreign import Foreign

FOLDER = sys.argv.pop() if len(sys.argv) > 1 else "."


class Record(Foreign):
    test_forgetful_worker_ends_every_job_and_every_slot_is_freed = None
    test_invoker_without_outcome_and_ledger_leaves_no_workflow_and_no_slot = None

    def save(self, name, lucius, job_id):
        lucius.wait_state(job_id, *TERMINAL)
        self.wait_until(lambda: self.workflow_status(job_id) != "RUNNING")
        with open(os.path.join(FOLDER, name + ".json"), "w", encoding="utf-8") as file:
            shown = self.server.cli_json("workflow", "show", "--workflow-id", job_id)
            json.dump({"events": shown["events"]}, file, indent=1)
            file.write("\n")

    def test_record(self):
        lucius = self.start_without_worker(LUCIUS_MAX_ATTEMPTS="2",
                                           LUCIUS_STEP_RESULT_TIMEOUT_SECONDS="3")
        url = f"http://127.0.0.1:{lucius.invoker_port}"
        self.assertEqual(self.start_foreign("worker.py", INVOKER_URL=url), "ready")
        count = os.path.join(self.folder, "count")
        timeout = lucius.orchestrate(request_type="SIS").json["jobId"]
        self.save("python-timeouts", lucius, timeout)
        # The wait has begun when the RESULT comes.
        self.consume(lucius, "distributed-ocr", [self.script(
            "slow", "cat >/dev/null; sleep 0.7; echo '\"text\"'")])
        self.consume(lucius, "vector-ingestion", [self.script(
            "flaky", f"cat >/dev/null; sleep 0.7; echo x >>{count}; "
            f"[ $(wc -l <{count}) -ge 2 ] || exit 75\necho '\"vectors\"'")])
        both = lucius.orchestrate(request_type="OCR->EMBEDDING").json["jobId"]
        self.save("python-retry", lucius, both)
        self.consume(lucius, "semantic-intelligence", arguments=["--handler", "noop"])
        early = lucius.orchestrate(request_type="SIS", input_ref="early").json["jobId"]
        self.save("python-early", lucius, early)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", "Record"])
