# SPDX-License-Identifier: MIT
"""What a durable storage is for: a killed daemon forgets nothing, a second one stands by.
LUCIUS_TEST_STORAGE says which one: sqlite, table or ledger."""
import time

from world import BOUND, STORAGE, World, unittest

LEASE_SECONDS = 2 if STORAGE == "sqlite" else 4  # a busy service must not look like a death


class Durable(World):
    def setUp(self):
        super().setUp()
        self.assertIn(STORAGE, ("sqlite", "table", "ledger"))

    def settings(self, **more):
        return {"LUCIUS_OWN_LEASE_SECONDS": str(LEASE_SECONDS), **more}

    def consume_both(self, lucius):
        for subscription in ("distributed-ocr", "vector-ingestion"):
            self.consume(lucius, subscription, arguments=["--handler", "noop"])

    def test_jobs_of_a_killed_daemon_go_on_where_their_rows_stand(self):
        first = self.start(self.settings())
        made = [first.orchestrate(tenant_id=f"t{i % 7}", request_type="OCR->EMBEDDING",
                                  input_ref=str(i)).json["jobId"] for i in range(60)]
        paused = made[3]
        answer = first.ask("POST", f"/v1/jobs/{paused}:pause?tenant_id=t3")
        self.assertEqual(answer.json["state"], "PAUSED")
        self.consume_both(first)
        first.wait_line("job.finished")
        first.kill()
        second = self.start(self.settings())
        self.consume_both(second)
        for i, job_id in enumerate(made):
            if job_id != paused:
                whole = second.wait_state(job_id, "SUCCEEDED", tenant=f"t{i % 7}")
                self.assertTrue(all(s["state"] == "SUCCEEDED" for s in whole["steps"]))
        self.assertEqual(second.job(paused, "t3")["job"]["state"], "PAUSED")
        second.ask("POST", f"/v1/jobs/{paused}:resume?tenant_id=t3")
        second.wait_state(paused, "SUCCEEDED", tenant="t3")
        repeat = second.orchestrate(tenant_id="t0", request_type="OCR->EMBEDDING", input_ref="0")
        self.assertEqual(repeat.json, {"jobId": made[0], "duplicate": True, "state": "SUCCEEDED"})
        self.assertEqual(second.stop(), 0)

    def test_second_daemon_stands_by_and_takes_over_when_the_first_is_gone(self):
        first = self.start(self.settings())
        job_id = first.orchestrate().json["jobId"]
        second = self.start(self.settings())
        answer = second.ask("GET", "/readyz")
        self.assertEqual(answer.status, 503)
        self.assertIn("does not have the workflow engine", answer.body.decode())
        self.assertEqual(second.ask("GET", "/healthz").status, 200)
        self.assert_problem(second.orchestrate(input_ref="other"), 503, "unavailable")
        first.kill()
        second.wait_line("service.active", bound=BOUND)
        end = time.monotonic() + BOUND
        while second.ask("GET", "/readyz").status != 200:
            self.assertLess(time.monotonic(), end)
        self.consume_both(second)
        second.wait_state(job_id, "SUCCEEDED")
        self.assertEqual(second.orchestrate(input_ref="other").status, 202)
        self.assertEqual(second.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
