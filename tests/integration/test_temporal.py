# SPDX-License-Identifier: MIT
"""The main job on a Temporal server: in one process, over three roles, seen through its own CLI."""
from temporal_world import OK, TemporalWorld, unittest


class Temporal(TemporalWorld):
    def both(self, lucius):
        self.consume(lucius, "distributed-ocr", [self.script("ocr", OK.format("text"))],
                     arguments=["--step-type", "OCR"])
        self.consume(lucius, "vector-ingestion", [self.script("emb", OK.format("vectors"))],
                     arguments=["--step-type", "EMBEDDING"])

    def run_main_job(self, lucius, bus):
        self.both(bus)
        job_id = lucius.orchestrate(request_type="OCR->EMBEDDING", payload={
            "steps": {"ocr": {}, "embedding": {"model": "m"}}}).json["jobId"]
        whole = lucius.wait_state(job_id, "SUCCEEDED")
        self.assertEqual(whole["job"]["final_output"], "vectors")
        self.assertEqual([s["state"] for s in whole["steps"]], ["SUCCEEDED", "SUCCEEDED"])
        self.assertEqual([s["attempt_no"] for s in whole["steps"]], [1, 1])
        self.wait_until(lambda: self.workflow_status(job_id) == "COMPLETED")
        return job_id

    def test_main_job_in_one_process_reads_well_in_the_cli(self):
        lucius = self.start_all()
        job_id = self.run_main_job(lucius, lucius)
        shown = self.server.cli("workflow", "show", "--workflow-id", job_id)
        self.assertIn("WorkflowExecutionCompleted", shown)
        self.assertIn('{"status":"SUCCEEDED"}', shown.replace(" ", ""))
        listed = self.server.cli("workflow", "list", "--query", f"WorkflowId='{job_id}'")
        self.assertIn("LuciusWorkflow", listed)
        self.assertIn("Completed", listed)
        by_tenant = self.server.cli("workflow", "count", "--query",
                                    f"LuciusTenant='t1' AND WorkflowId='{job_id}'")
        self.assertIn("1", by_tenant)
        names = [event["activityTaskScheduledEventAttributes"]["activityType"]["name"]
                 for event in self.history(job_id)
                 if "activityTaskScheduledEventAttributes" in event]
        self.assertEqual(names, ["record_attempt_lease", "publish_to_bus"] * 2)
        self.assertEqual(lucius.stop(), 0)

    def test_main_job_over_three_roles(self):
        orchestrators, workers, invokers = self.start_split()
        self.run_main_job(orchestrators[0], self.bus)
        for process in (*orchestrators, *workers, *invokers):
            self.assertEqual(process.stop(), 0)

    def test_job_that_has_ended_leaves_its_slot(self):
        lucius = self.start_all({"LUCIUS_MAX_INFLIGHT_PER_TENANT": "2"})
        self.both(lucius)
        for i in range(6):
            answer = lucius.orchestrate(input_ref=str(i))
            self.assertEqual(answer.status, 202, answer.body)
            lucius.wait_state(answer.json["jobId"], "SUCCEEDED")
            self.wait_until(lambda: self.workflow_status(answer.json["jobId"]) == "COMPLETED")

    def test_state_query_says_where_the_job_stands(self):
        lucius = self.start_all()
        job_id = lucius.orchestrate().json["jobId"]
        lucius.wait_line("directive.published", job_id=job_id)
        answer = self.server.cli("workflow", "query", "--workflow-id", job_id, "--type", "state")
        self.assertIn("ocr", answer)
        self.assertIn("step_result",
                      self.server.cli("workflow", "metadata", "--workflow-id", job_id))
        self.assertIn("ocr", self.server.cli("workflow", "stack", "--workflow-id", job_id))

if __name__ == "__main__":
    unittest.main(verbosity=2)
