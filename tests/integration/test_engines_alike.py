# SPDX-License-Identifier: MIT
"""The same scenarios on the local engine and on Temporal leave the same log of transitions."""
from temporal_world import OK, TemporalWorld, unittest

LIMITS = {"LUCIUS_MAX_ATTEMPTS": "2", "LUCIUS_STEP_RESULT_TIMEOUT_SECONDS": "60"}
RETRY = "cat >/dev/null; exit 75"
FINAL = 'cat >/dev/null; echo "{\\"code\\": \\"NO\\", \\"message\\": \\"no\\"}" >&2; exit 1'


class Alike(TemporalWorld):
    def ocr(self, lucius, text):
        return self.consume(lucius, "distributed-ocr", [self.script("ocr", text)],
                            arguments=["--step-type", "OCR"])

    def embedding(self, lucius, text):
        return self.consume(lucius, "vector-ingestion", [self.script("emb", text)],
                            arguments=["--step-type", "EMBEDDING"])

    def control(self, lucius, job_id, verb):
        answer = lucius.ask("POST", f"/v1/jobs/{job_id}:{verb}?tenant_id=t1")
        self.assertEqual(answer.status, 200, answer.body)

    def new_job(self, lucius, **members):
        """A job whose first directive is out."""
        job_id = lucius.orchestrate(**members).json["jobId"]
        lucius.wait_line("directive.published", job_id=job_id)
        return job_id

    def log(self, lucius, job_id):
        events = lucius.ask("GET", f"/v1/jobs/{job_id}/events?tenant_id=t1").json
        return [(e["event"], e["step_id"], e["attempt_no"], e["state"]) for e in events]

    def both(self, scenario):
        """The log on each engine; what the scenario returns is the job."""
        logs = []
        for environment in (LIMITS, self.temporal(**LIMITS)):
            lucius = self.start(environment)
            logs.append(self.log(lucius, scenario(lucius)))
            self.assertEqual(lucius.stop(), 0)
        self.assertGreater(len(logs[0]), 3)
        self.assertEqual(logs[0], logs[1])
        return logs[0]

    def test_two_steps_that_succeed(self):
        def scenario(lucius):
            job_id = self.new_job(lucius, request_type="OCR->EMBEDDING")
            self.ocr(lucius, OK)
            self.embedding(lucius, OK)
            lucius.wait_state(job_id, "SUCCEEDED")
            return job_id
        log = self.both(scenario)
        self.assertEqual(log[-1][3], "SUCCEEDED")

    def test_step_that_uses_up_its_attempts(self):
        def scenario(lucius):
            job_id = self.new_job(lucius)
            self.ocr(lucius, RETRY)
            lucius.wait_state(job_id, "FAILED_FINAL")
            return job_id
        log = self.both(scenario)
        self.assertEqual({attempt for _, _, attempt, _ in log if attempt}, {1, 2})

    def test_second_step_that_fails_for_good(self):
        def scenario(lucius):
            job_id = self.new_job(lucius, request_type="OCR->EMBEDDING")
            self.ocr(lucius, OK)
            self.embedding(lucius, FINAL)
            lucius.wait_state(job_id, "FAILED_FINAL")
            return job_id
        self.both(scenario)

    def test_pause_and_resume_with_an_attempt_out(self):
        def scenario(lucius):
            job_id = self.new_job(lucius, request_type="OCR->EMBEDDING")
            self.control(lucius, job_id, "pause")
            self.control(lucius, job_id, "resume")
            self.control(lucius, job_id, "pause")
            self.ocr(lucius, OK)
            self.wait_until(
                lambda: lucius.job(job_id)["steps"][0]["state"] == "SUCCEEDED")
            self.assertEqual(lucius.job(job_id)["job"]["state"], "PAUSED")
            self.control(lucius, job_id, "resume")
            self.embedding(lucius, OK)
            lucius.wait_state(job_id, "SUCCEEDED")
            return job_id
        self.both(scenario)

    def test_cancel_with_an_attempt_out_awaits_its_result(self):
        def scenario(lucius):
            job_id = self.new_job(lucius, request_type="OCR->EMBEDDING")
            self.control(lucius, job_id, "cancel")
            self.assertEqual(lucius.job(job_id)["job"]["state"], "CANCELLING")
            self.ocr(lucius, OK)
            lucius.wait_state(job_id, "CANCELLED")
            return job_id
        self.both(scenario)


if __name__ == "__main__":
    unittest.main(verbosity=2)
