# SPDX-License-Identifier: MIT
"""A Temporal server that is away, restarts under load or ages its connections; workers that die.

LUCIUS_TEST_KILLS says how often a worker is killed: 10 in every run, 200 by scripts/soak, which also
lets connections grow older.
"""
import os
import random
import re
import threading
import time

import side_by_side
from temporal_server import TemporalServer, aged, free_port
from temporal_world import BOUND, TemporalWorld

N_KILLS = int(os.environ.get("LUCIUS_TEST_KILLS", "10"))
AGE = 10 if N_KILLS > 10 else 4  # seconds that a connection lasts
N_AGES = 6 if N_KILLS > 10 else 2.5
TASK_SECONDS = 10  # then the server gives a workflow task that is lost to another worker
RESTARTED = 150  # seconds: what was in hand comes again after 30, then a step after the other


class Load:
    """Clients that start jobs one after another and remember what was accepted."""

    def __init__(self, world, lucius, n_clients=4, tenants=4, pause_s=0.05):
        self.pause_s = pause_s
        self.lucius = lucius
        self.made = []
        self.refused = {}
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.grown = threading.Condition(self.lock)
        self.tenants = tenants
        self.threads = [threading.Thread(target=self._run, args=(i,), daemon=True)
                        for i in range(n_clients)]
        world.addCleanup(self.is_over.set)
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        n = 0
        while not self.is_over.is_set():
            n += 1
            tenant = f"t{number % self.tenants}"
            try:
                answer = self.lucius.orchestrate(tenant_id=tenant, input_ref=f"{number}-{n}",
                                                 request_type="OCR->EMBEDDING")
            except OSError:
                self.is_over.wait(0.05)
                continue
            with self.lock:
                if answer.status == 202:
                    self.made.append((answer.json["jobId"], tenant))
                    self.grown.notify_all()
                else:
                    self.refused[answer.status] = self.refused.get(answer.status, 0) + 1
            self.is_over.wait(self.pause_s)

    def wait_for(self, n, bound=BOUND):
        """Until n more jobs have been accepted."""
        with self.lock:
            whole = len(self.made) + n
            if not self.grown.wait_for(lambda: len(self.made) >= whole, bound):
                raise AssertionError(
                    f"{len(self.made)} jobs accepted, {whole} awaited; refused: {self.refused}")

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join(BOUND)
        return self.made


class Faults(TemporalWorld):
    server_has_file = True

    def check_all_succeed(self, lucius, made, bound=BOUND):
        for job_id, tenant in made:
            whole = lucius.wait_state(job_id, "SUCCEEDED", tenant=tenant, bound=bound)
            self.assertTrue(all(s["state"] == "SUCCEEDED" for s in whole["steps"]), whole)

    def check_agreement(self, made):
        """Ledger and workflows say the same of all of them."""
        ids = {job_id for job_id, _ in made}

        def all_are_completed():
            listed = self.server.cli_json(
                "workflow", "list", "--limit", "10000", "--query",
                f"TaskQueue='{self.queue}' AND ExecutionStatus='Completed'")
            return ids <= {one["execution"]["workflowId"] for one in listed}
        self.wait_until(all_are_completed)
        open_ones = self.server.cli_json("workflow", "list", "--query",
                                         f"TaskQueue='{self.queue}' AND ExecutionStatus='Running'")
        self.assertEqual(open_ones, [])

    def revive(self):
        if self.server.child is None:
            self.server.start()

    def test_server_restarted_under_load_loses_no_job(self):
        # Not more than the machine gets done, however slow that is.
        lucius = self.start_all({**self.sqlite(), "LUCIUS_MAX_INFLIGHT_PER_TENANT": "10"})
        self.consume_both(lucius)
        load = Load(self, lucius)
        load.wait_for(10)
        self.addCleanup(self.revive)
        self.server.kill()
        lucius.wait_line("backend.not_ready", backend="workflow-temporal")
        self.server.start()
        load.wait_for(10, RESTARTED)
        self.server.stop()
        self.server.start()
        load.wait_for(10, RESTARTED)
        made = load.stop()
        self.check_all_succeed(lucius, made, bound=RESTARTED)
        self.check_agreement(made)
        self.assertEqual(lucius.stop(), 0)

    def test_worker_killed_at_random_loses_no_job(self):
        orchestrators, workers, _ = self.start_split()
        self.consume_both(self.bus)
        load = Load(self, orchestrators[0], n_clients=2, pause_s=0.2)
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        chance = random.Random(seed)
        pause = threading.Event()
        worker = workers[0]
        for _ in range(N_KILLS):
            load.wait_for(1)
            pause.wait(chance.random() * 0.4)
            worker.kill()
            worker = self.start_role("worker")
        made = load.stop()
        self.check_all_succeed(orchestrators[0], made, bound=180)
        self.check_agreement(made)


class Aged(TemporalWorld):
    server_settings = aged(AGE)

    def test_connection_that_ages_every_few_seconds_costs_no_task(self):
        lucius = self.start_all()
        self.consume_both(lucius)
        end = time.monotonic() + AGE * N_AGES
        taken = {}
        while time.monotonic() < end:
            begun = time.monotonic()
            tenant = f"t{len(taken) % 5}"
            answer = lucius.orchestrate(input_ref=str(len(taken)), tenant_id=tenant)
            lucius.wait_state(answer.json["jobId"], "SUCCEEDED", tenant=tenant)
            taken[answer.json["jobId"]] = time.monotonic() - begun
        print(f"{len(taken)} jobs one after another, the slowest took {max(taken.values()):.3f} s")
        metrics = lucius.ask("GET", "/metrics").body.decode()
        goaways = re.search(r"^lucius_workflow_temporal_goaways_total (\d+)$", metrics, re.MULTILINE)
        print(f"{goaways[1]} times the server said GOAWAY")
        self.assertGreater(int(goaways[1]), 0)
        for job_id, seconds in taken.items():
            if seconds >= TASK_SECONDS:
                self.check_no_task_was_lost(job_id)
        self.assertEqual(lucius.stop(), 0)

    def check_no_task_was_lost(self, job_id):
        """A slow machine needs time; a task that was lost leaves a trace."""
        for event in self.history(job_id):
            self.assertNotEqual(event["eventType"], "EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT")
            started = event.get("activityTaskStartedEventAttributes", {})
            self.assertEqual(started.get("attempt", 1), 1, event)


class Away(TemporalWorld):
    def away(self, **more):
        self.late = TemporalServer(self.folder)
        self.late.port = free_port()
        self.addCleanup(self.late.kill)
        return {"LUCIUS_TEMPORAL_ADDRESS": self.late.address, **more}

    def test_unreachable_at_start_nothing_is_written_and_later_all_is_well(self):
        lucius = self.start_all(self.away(), ready=False)
        port = lucius.port
        answer = self.wait_until(lambda: self.answer_of(lucius, "/readyz"))
        self.assertEqual(answer.status, 503)
        self.assertIn("emporal", answer.body.decode())
        self.assertEqual(lucius.ask("GET", "/healthz").status, 200)
        refused = lucius.orchestrate()
        self.assert_problem(refused, 503, "unavailable")
        self.assertIn("Retry-After", refused.headers)
        listed = lucius.ask("GET", "/v1/jobs?tenant_id=t1")
        self.assertEqual(listed.json["jobs"], [])
        before = self.cpu_seconds(lucius)
        begun = time.monotonic()
        threading.Event().wait(3)
        share = (self.cpu_seconds(lucius) - before) / (time.monotonic() - begun)
        self.assertLess(share, 0.3, "it spins while the server is away")
        self.late.start()
        self.wait_until(lambda: lucius.ask("GET", "/readyz").status == 200)
        self.consume_both(lucius)
        job_id = lucius.orchestrate().json["jobId"]
        lucius.wait_state(job_id, "SUCCEEDED")
        self.assertEqual(port, lucius.port)
        self.assertEqual(lucius.stop(), 0)

    @staticmethod
    def answer_of(lucius, path):
        try:
            return lucius.ask("GET", path)
        except OSError:
            return None

    @staticmethod
    def cpu_seconds(lucius):
        with open(f"/proc/{lucius.child.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_unreachable_in_the_middle_is_told_and_waits_for_nobody(self):
        lucius = self.start_all(self.away(LUCIUS_SHUTDOWN_SECONDS="10"), ready=False)
        self.late.start()
        lucius.wait_ready()
        self.wait_until(lambda: lucius.ask("GET", "/readyz").status == 200)
        job_id = lucius.orchestrate().json["jobId"]
        lucius.wait_line("directive.published", job_id=job_id)
        self.late.kill()
        self.wait_until(lambda: lucius.ask("GET", "/readyz").status == 503)
        self.assertIn(lucius.orchestrate(input_ref="other").status, (202, 503))
        self.assertEqual(lucius.job(job_id)["job"]["state"], "QUEUED")
        begun = time.monotonic()
        self.assertEqual(lucius.stop(), 0)
        self.assertLess(time.monotonic() - begun, 15)


if __name__ == "__main__":
    side_by_side.main()
