# SPDX-License-Identifier: MIT
"""The main job on a Temporal server: in one process, over three roles, seen through its own CLI."""
import json

from temporal_world import OK, TemporalWorld, unittest


class MainJob(TemporalWorld):
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


class Temporal(MainJob):
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
    def failed_tasks(self, job_id):
        return [event for event in self.history(job_id)
                if event["eventType"] in ("EVENT_TYPE_WORKFLOW_TASK_FAILED",)]

    def test_worker_with_another_environment_keeps_the_limits_of_a_running_job(self):
        at_start = {"LUCIUS_STEP_RESULT_TIMEOUT_SECONDS": "4", "LUCIUS_MAX_ATTEMPTS": "2",
                    "LUCIUS_RETRY_INITIAL_SECONDS": "1"}
        later = {"LUCIUS_STEP_RESULT_TIMEOUT_SECONDS": "900", "LUCIUS_MAX_ATTEMPTS": "9",
                 "LUCIUS_RETRY_INITIAL_SECONDS": "30", "LUCIUS_LEASE_MINUTES": "1"}
        self.start_bus()
        self.invokers = []
        invoker = self.start_role("invoker", later)
        worker = self.start_role("worker", later)
        orchestrator = self.start_role("orchestrator", at_start)
        job_id = orchestrator.orchestrate(request_type="EMBEDDING").json["jobId"]
        invoker.wait_line("directive.published", job_id=job_id)
        worker.kill()
        self.start_role("worker", {"LUCIUS_MAX_ATTEMPTS": "1"})
        whole = orchestrator.wait_state(job_id, "FAILED_FINAL")
        self.assertEqual(whole["job"]["error_code"], "STEP_TIMEOUT")
        self.assertEqual(whole["job"]["attempts_total"], 2)
        self.wait_until(lambda: self.workflow_status(job_id) == "FAILED")
        self.assertEqual(self.failed_tasks(job_id), [])
        timers = [event["timerStartedEventAttributes"]["startToFireTimeout"]
                  for event in self.history(job_id) if "timerStartedEventAttributes" in event]
        self.assertEqual(timers, ["4s", "1s", "4s"])

    def test_workflow_started_by_hand_for_no_job_fails_with_job_unknown(self):
        lucius = self.start_all()
        job_id = "0123456789abcdef0123456789abcdef"
        step = {"step_id": "ocr", "step_type": "OCR", "service": "platform-ocr", "payload": {},
                "input_ref": "in", "workspace_ref": None, "output_ref": "out"}
        given = {"job_id": job_id, "tenant_id": "t1", "protocol_id": "atomic-ocr.v1",
                 "steps": [step], "lane": 7, "routing_key_used": "t1", "mode": "DEFAULT",
                 "correlation_id": None, "traceparent": None}
        self.server.cli("workflow", "start", "--type", "LuciusWorkflow", "--task-queue", self.queue,
                        "--workflow-id", job_id, "--input", json.dumps(given))
        self.wait_until(lambda: self.workflow_status(job_id) == "FAILED")
        self.assertIn("JOB_UNKNOWN", json.dumps(self.history(job_id)[-1]))
        # It carried no options: what was used stands in its history.
        markers = [event for event in self.history(job_id)
                   if "markerRecordedEventAttributes" in event]
        self.assertEqual(len(markers), 1)
        self.assertEqual(lucius.stop(), 0)


class Eager(MainJob):
    server_settings = {"system.enableActivityEagerExecution": True}

    def test_main_job_where_activities_come_with_the_answers_to_workflow_tasks(self):
        lucius = self.start_all()
        self.run_main_job(lucius, lucius)
        metrics = lucius.ask("GET", "/metrics").body.decode()
        self.assertIn("\nlucius_workflow_temporal_eager_activity_tasks_total 4\n", metrics)
        self.assertEqual(lucius.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
