# SPDX-License-Identifier: MIT
"""Jobs from curl to SUCCEEDED, and every way in which they can go otherwise."""
import json
import os
import re
import subprocess
import threading

from world import SOURCE, STORAGE, World, envelope, signal, unittest

OK = 'cat >/dev/null; echo \'"{}"\''


class Jobs(World):
    def both(self, lucius, ocr, embedding, environment=None):
        return (self.consume(lucius, "distributed-ocr", [ocr], environment,
                             ["--step-type", "OCR"]),
                self.consume(lucius, "vector-ingestion", [embedding], environment,
                             ["--step-type", "EMBEDDING"]))

    def test_two_steps_succeed_and_the_second_gets_the_firsts_result(self):
        lucius = self.start()
        seen = os.path.join(self.folder, "directive.json")
        self.both(lucius, self.script("ocr", OK.format("text-of-page")),
                  self.script("embedding", f'cat >{seen}; echo \'{{"uri": "vectors"}}\''))
        answer = lucius.orchestrate(request_type="OCR->EMBEDDING", correlation_id="c-1", payload={
            "steps": {"ocr": {"output_format": "TEXT"}, "embedding": {"model": "m"}}})
        self.assertEqual(answer.status, 202)
        job_id = answer.json["jobId"]
        self.assertRegex(job_id, "^[0-9a-f]{32}$")
        self.assertEqual(answer.headers["Location"], f"/v1/jobs/{job_id}?tenant_id=t1")
        whole = lucius.wait_state(job_id, "SUCCEEDED", "FAILED_FINAL")
        self.assertEqual(whole["job"]["state"], "SUCCEEDED", whole)
        self.assertEqual(whole["job"]["final_output"], "vectors")
        self.assertEqual([s["state"] for s in whole["steps"]], ["SUCCEEDED", "SUCCEEDED"])
        self.assertEqual(whole["steps"][0]["result_ref"], "text-of-page")
        self.assertEqual(whole["steps"][1]["result_ref"], {"uri": "vectors"})
        with open(seen, encoding="utf-8") as file:
            directive = json.load(file)
        self.assertEqual(directive["type"], "DIRECTIVE")
        self.assertEqual(directive["previous_result_ref"], "text-of-page")
        self.assertEqual(directive["payload"], {"model": "m"})
        self.assertEqual(directive["lane"], 7)
        self.assertEqual(set(directive), {
            "type", "jobId", "tenant_id", "stepId", "protocol_id", "step_type", "service",
            "attempt_no", "lease_id", "lease_expires_at", "input_ref", "workspace_ref",
            "output_ref", "payload", "mode", "lane", "routing_key_used", "correlation_id",
            "traceparent", "previous_result_ref"})
        self.check_events(lucius, job_id)
        resolved = lucius.wait_line("routing.resolved", job_id=job_id)
        self.assertEqual((resolved["lane"], resolved["routing_key_used"]), (7, "t1"))
        for event in ("step.initiated", "directive.published", "reply.ack", "reply.result",
                      "job.finished"):
            self.assertEqual(lucius.wait_line(event, job_id=job_id)["correlation_id"], "c-1")
        self.assertEqual(lucius.stop(), 0)

    def check_events(self, lucius, job_id):
        answer = lucius.ask("GET", f"/v1/jobs/{job_id}/events?tenant_id=t1")
        if STORAGE == "table":
            self.assert_problem(answer, 501, "not-implemented")
            return
        self.assertEqual([e["seq"] for e in answer.json], list(range(1, len(answer.json) + 1)))
        self.assertEqual([e["event"] for e in answer.json], [
            "job.created", "step.initiated", "reply.ack", "reply.result", "step.initiated",
            "reply.ack", "reply.result", "job.finished"])

    def test_a_job_that_was_sent_before_its_consumer_starts_is_not_lost(self):
        lucius = self.start()
        job_id = lucius.orchestrate().json["jobId"]
        lucius.wait_line("directive.published", job_id=job_id)
        self.consume(lucius, "distributed-ocr", [self.script("ocr", OK.format("r"))])
        self.assertEqual(lucius.wait_state(job_id, "SUCCEEDED")["job"]["final_output"], "r")

    def test_killed_consumer_in_the_middle_of_a_step_the_directive_comes_again(self):
        lucius = self.start({"LUCIUS_BUS_LOCK_SECONDS": "5"})
        mark = os.path.join(self.folder, "started")
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        hangs = self.script("hangs", f"cat >/dev/null; echo x >{mark}; cat <{fifo}")
        first = self.consume(lucius, "distributed-ocr", [hangs])
        job_id = lucius.orchestrate().json["jobId"]
        lucius.wait_line("reply.ack", job_id=job_id)
        first.kill()
        self.consume(lucius, "distributed-ocr", [self.script("ocr", OK.format("second"))])
        whole = lucius.wait_state(job_id, "SUCCEEDED", "FAILED_FINAL")
        self.assertEqual(whole["job"]["state"], "SUCCEEDED")
        self.assertEqual(whole["job"]["final_output"], "second")

    def test_no_consumer_for_good_ends_with_step_timeout_and_a_free_slot(self):
        lucius = self.start({
            "LUCIUS_STEP_RESULT_TIMEOUT_SECONDS": "1", "LUCIUS_MAX_ATTEMPTS": "2",
            "LUCIUS_RETRY_INITIAL_SECONDS": "1", "LUCIUS_MAX_INFLIGHT_PER_TENANT": "1"})
        job_id = lucius.orchestrate().json["jobId"]
        self.assertEqual(lucius.orchestrate(input_ref="other").status, 429)
        whole = lucius.wait_state(job_id, "FAILED_FINAL")
        self.assertEqual(whole["job"]["error_code"], "STEP_TIMEOUT")
        self.assertEqual(whole["job"]["attempts_total"], 2)
        self.assertEqual(whole["steps"][0]["state"], "FAILED_FINAL")
        self.assertEqual(lucius.orchestrate(input_ref="other").status, 202)

    def test_exit_codes_of_the_handler_decide_retry_and_failure(self):
        lucius = self.start({"LUCIUS_RETRY_INITIAL_SECONDS": "1"})
        count = os.path.join(self.folder, "count")
        flaky = self.script("flaky", (
            f"cat >/dev/null; echo x >>{count}; [ $(wc -l <{count}) -ge 2 ] || exit 75\n"
            "echo '\"third\"'"))
        self.consume(lucius, "distributed-ocr", [flaky])
        bad = self.script("bad", "cat >/dev/null; echo 'page 3 is torn' >&2; exit 3")
        self.consume(lucius, "vector-ingestion", [bad])
        job_id = lucius.orchestrate(request_type="OCR->EMBEDDING").json["jobId"]
        whole = lucius.wait_state(job_id, "FAILED_FINAL", "SUCCEEDED")
        self.assertEqual(whole["steps"][0]["state"], "SUCCEEDED")
        self.assertEqual(whole["steps"][0]["attempt_no"], 2)
        self.assertEqual(whole["job"]["state"], "FAILED_FINAL")
        self.assertEqual(whole["job"]["error_code"], "HANDLER_FAILED")
        self.assertEqual(whole["job"]["error_message"], "page 3 is torn")

    def test_pause_holds_the_next_step_back_until_resume(self):
        lucius = self.start()
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        self.both(lucius, self.script("ocr", f"cat >/dev/null; cat <{fifo} >/dev/null; echo '\"1\"'"),
                  self.script("embedding", OK.format("done")))
        job_id = lucius.orchestrate(request_type="OCR->EMBEDDING").json["jobId"]
        lucius.wait_line("reply.ack", job_id=job_id)
        paused = lucius.ask("POST", f"/v1/jobs/{job_id}:pause?tenant_id=t1")
        self.assertEqual((paused.status, paused.json["state"]), (200, "PAUSED"))
        again = lucius.ask("POST", f"/v1/jobs/{job_id}:pause?tenant_id=t1")
        self.assertEqual(again.json["control_seq"], paused.json["control_seq"])
        with open(fifo, "w", encoding="utf-8") as file:
            file.write("go\n")
        lucius.wait_line("reply.result", job_id=job_id, step_id="ocr")
        whole = lucius.job(job_id)
        self.assertEqual(whole["job"]["state"], "PAUSED")
        self.assertEqual(whole["steps"][1]["state"], "PENDING")
        resumed = lucius.ask("POST", f"/v1/jobs/{job_id}:resume?tenant_id=t1")
        self.assertEqual((resumed.status, resumed.json["state"]), (200, "IN_PROGRESS"))
        self.assertEqual(lucius.wait_state(job_id, "SUCCEEDED")["job"]["final_output"], "done")

    def test_cancel_with_an_attempt_out_waits_for_it_and_without_ends_at_once(self):
        lucius = self.start()
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        self.consume(lucius, "distributed-ocr",
                     [self.script("ocr", f"cat >/dev/null; cat <{fifo} >/dev/null; echo '\"1\"'")])
        job_id = lucius.orchestrate(request_type="OCR->EMBEDDING").json["jobId"]
        lucius.wait_line("reply.ack", job_id=job_id)
        answer = lucius.ask("POST", f"/v1/jobs/{job_id}:cancel?tenant_id=t1")
        self.assertEqual((answer.status, answer.json["state"]), (200, "CANCELLING"))
        conflict = lucius.ask("POST", f"/v1/jobs/{job_id}:pause?tenant_id=t1")
        self.assert_problem(conflict, 409, "conflict")
        with open(fifo, "w", encoding="utf-8") as file:
            file.write("go\n")
        whole = lucius.wait_state(job_id, "CANCELLED")
        self.assertEqual([s["state"] for s in whole["steps"]], ["SUCCEEDED", "CANCELLED"])
        terminal = lucius.ask("POST", f"/v1/jobs/{job_id}:cancel?tenant_id=t1")
        self.assertEqual((terminal.status, terminal.json["state"]), (200, "CANCELLED"))

    def test_failed_command_may_be_sent_again_and_a_succeeded_one_is_a_duplicate(self):
        lucius = self.start()
        fails = os.path.join(self.folder, "fails")
        with open(fails, "w", encoding="utf-8"):
            pass
        self.consume(lucius, "distributed-ocr", [self.script(
            "ocr", f"cat >/dev/null; if [ -e {fails} ]; then exit 1; fi; echo '\"1\"'")])
        first = lucius.orchestrate().json["jobId"]
        lucius.wait_state(first, "FAILED_FINAL")
        os.unlink(fails)
        second = lucius.orchestrate().json["jobId"]
        self.assertNotEqual(first, second)
        lucius.wait_state(second, "SUCCEEDED")
        again = lucius.orchestrate().json
        self.assertEqual(again, {"jobId": second, "duplicate": True, "state": "SUCCEEDED"})

    def test_listing_gives_the_newest_first_page_by_page(self):
        lucius = self.start()
        made = [lucius.orchestrate(input_ref=str(i)).json["jobId"] for i in range(7)]
        listed = []
        cursor = ""
        while cursor is not None:
            page = lucius.ask("GET", f"/v1/jobs?tenant_id=t1&limit=3{cursor}").json
            listed += [job["job_id"] for job in page["jobs"]]
            cursor = page["next"] and "&cursor=" + page["next"]
        self.assertEqual(listed, made[::-1])
        none = lucius.ask("GET", "/v1/jobs?tenant_id=t1&state=SUCCEEDED").json
        self.assertEqual(none, {"jobs": [], "next": None})

    def test_sigterm_under_load_answers_every_accepted_request_and_exits_in_time(self):
        lucius = self.start({"LUCIUS_SHUTDOWN_SECONDS": "20"})
        self.consume(lucius, "distributed-ocr", arguments=["--handler", "noop"])
        answered, broken, lock = [], [], threading.Lock()
        going = threading.Event()

        def client(number):
            n = 0
            while True:
                n += 1
                try:
                    answer = lucius.orchestrate(tenant_id=f"t{number}", input_ref=str(n))
                except ConnectionRefusedError:
                    return
                except OSError as error:
                    with lock:
                        broken.append(repr(error))
                    return
                with lock:
                    answered.append(answer.status)
                    if len(answered) > 50:
                        going.set()
                if answer.status == 503:
                    return

        threads = [threading.Thread(target=client, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        self.assertTrue(going.wait(60))
        self.assertEqual(lucius.stop(25), 0)
        for thread in threads:
            thread.join(60)
        self.assertLessEqual(set(answered), {202, 429, 503})
        # A connection that was still in the accept queue may be reset; none that was answered is.
        self.assertTrue(all(
            any(word in b for word in ("Reset", "Disconnected", "BrokenPipe")) for b in broken), broken)

    def test_the_canvas_calls_give_what_the_contract_says(self):
        lucius = self.start()
        self.both(lucius, self.script("ocr", OK.format("o")), self.script("e", OK.format("v")))
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
            readme = file.read()
        calls = re.findall(r"^curl -s -X POST http://localhost:8000/v1/orchestrate.*?'$", readme,
                           re.M | re.S)
        self.assertEqual(len(calls), 2, "the README has both calls of the canvas")
        for call, n_steps in zip(calls, (1, 2)):
            said = subprocess.run(["sh", "-c", call.replace("8000", str(lucius.port))],
                                  check=True, capture_output=True, timeout=60).stdout
            job_id = json.loads(said)["jobId"]
            whole = lucius.wait_state(job_id, "SUCCEEDED")
            self.assertEqual(len(whole["steps"]), n_steps)
            self.assertTrue(all(s["lane"] == 7 for s in whole["steps"]))
            steps = lucius.ask("GET", f"/v1/jobs/{job_id}/steps").json
            self.assertEqual(steps, whole["steps"])
            one = lucius.ask("GET", f"/v1/jobs/{job_id}/steps?step_id=ocr").json
            self.assertEqual(one, steps[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
