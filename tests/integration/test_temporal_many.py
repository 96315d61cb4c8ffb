# SPDX-License-Identifier: MIT
"""Two of each role on the same tables, the same Temporal and one bus; one after another is killed.

In every run one of each role is killed; with LUCIUS_TEST_ROUNDS, by scripts/soak, all six that often.
LUCIUS_TEST_STORAGE says on which storage: table, ledger or sqlite.
"""
import itertools
import os
import threading
import time

from azurite import Azurite
from temporal_server import free_port
from temporal_world import BOUND, TERMINAL, TemporalWorld, unittest

N_ROUNDS = int(os.environ.get("LUCIUS_TEST_ROUNDS", "0"))
REFILLED = 200  # seconds: what a killed worker held comes again after its 30, and a step after more
STORAGE = os.environ.get("LUCIUS_TEST_STORAGE", "table")
LIMIT = 100
N_CLIENTS = 16
LIVE = ("QUEUED", "IN_PROGRESS", "PAUSED", "CANCELLING")


class Fleet(TemporalWorld):
    def setUp(self):
        super().setUp()
        self.made = {}
        self.asked = {}
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.addCleanup(self.is_over.set)

    def settings(self, role, port):
        """On a port of its own, which a process that follows takes again."""
        name = {"orchestrator": "LUCIUS_HTTP_LISTEN", "invoker": "LUCIUS_INVOKER_LISTEN",
                "worker": "LUCIUS_HEALTH_LISTEN"}[role]
        return {**self.storage, name: f"127.0.0.1:{port}", "LUCIUS_INVOKER_URL": self.invoker_urls,
                "LUCIUS_MAX_INFLIGHT_PER_TENANT": str(LIMIT), "LUCIUS_SWEEP_SECONDS": "2",
                "LUCIUS_STEP_RESULT_TIMEOUT_SECONDS": "20", "LUCIUS_RETRY_INITIAL_SECONDS": "1",
                "LUCIUS_MAX_ATTEMPTS": "6"}

    def start_storage(self):
        if STORAGE == "sqlite":
            return self.sqlite()
        azurite = Azurite()
        self.addCleanup(azurite.stop)
        return {"LUCIUS_STORAGE_BACKEND": STORAGE, "LUCIUS_TABLE_CONNECTION": azurite.connection}

    def start_fleet(self):
        self.storage = self.start_storage()
        self.bus = self.start({"LUCIUS_BUS_LOCK_SECONDS": "5", "LUCIUS_HEALTH_LISTEN": "127.0.0.1:0"},
                              ["--role", "bus"])
        self.invokers = []
        self.ports = [(role, free_port()) for role in ("invoker", "worker", "orchestrator")
                      for _ in range(2)]
        self.invoker_urls = ",".join(f"http://127.0.0.1:{port}" for role, port in self.ports
                                     if role == "invoker")
        self.fleet = {port: self.start_role(role, self.settings(role, port))
                      for role, port in self.ports}
        self.consume_both(self.bus)

    @property
    def orchestrators(self):
        return [self.fleet[port] for role, port in self.ports if role == "orchestrator"]

    def client(self, number):
        """Asks one orchestrator, and the other one if that is gone; repeats what it does not know."""
        for n in itertools.count():
            key = f"{number}-{n}"
            with self.lock:
                self.asked[key] = False
            for turn in itertools.count(number):
                if self.is_over.is_set():
                    return
                try:
                    answer = self.orchestrators[turn % 2].orchestrate(
                        input_ref=key, idempotency_key=key, request_type="OCR->EMBEDDING")
                except OSError:
                    self.is_over.wait(0.05)
                    continue
                if answer.status == 202:
                    with self.lock:
                        self.made[answer.json["jobId"]] = key
                    break
                self.assertIn(answer.status, (429, 503), answer.body)
                self.is_over.wait(0.5)

    def page_of_jobs(self, cursor):
        """Nothing while the tables do not answer, as on a machine that has too much to do."""
        answer = self.orchestrators[0].ask("GET", f"/v1/jobs?tenant_id=t1&limit=50{cursor}")
        self.assertIn(answer.status, (200, 503), answer.body)
        return answer.json if answer.status == 200 else None

    def count_live(self):
        """Live jobs that one listing shows; each job is there at most once."""
        n_live = 0
        cursor = ""
        while True:
            page = self.wait_until(lambda cursor=cursor: self.page_of_jobs(cursor))
            n_live += sum(job["state"] in LIVE for job in page["jobs"])
            if page["next"] is None or not any(job["state"] in LIVE for job in page["jobs"]):
                return n_live
            cursor = "&cursor=" + page["next"]

    def kill_one_after_another(self, ports):
        for role, port in ports:
            process = self.fleet[port]
            before = len(self.made)
            process.kill()
            live = self.count_live() if role != "orchestrator" else 0
            self.most_live = max(self.most_live, live)
            self.fleet[port] = self.start_role(role, self.settings(role, port))
            self.wait_until(lambda before=before: len(self.made) >= before + 20, bound=REFILLED)
            self.most_live = max(self.most_live, self.count_live())

    def test_one_process_after_another_is_killed_and_every_accepted_job_ends(self):
        self.start_fleet()
        self.most_live = 0
        clients = [threading.Thread(target=self.client, args=(i,), daemon=True)
                   for i in range(N_CLIENTS)]
        for client in clients:
            client.start()
        begun = time.monotonic()
        self.kill_one_after_another(self.ports[::2])
        for _ in range(N_ROUNDS):
            self.kill_one_after_another(self.ports)
        self.is_over.set()
        for client in clients:
            client.join(BOUND)
        self.assertLessEqual(self.most_live, LIMIT)
        lucius = self.orchestrators[0]
        ends = {}
        for job_id in self.made:
            state = lucius.wait_state(job_id, *TERMINAL, bound=180)["job"]["state"]
            ends[state] = ends.get(state, 0) + 1
        print(f"{STORAGE}: {len(self.made)} jobs in {time.monotonic() - begun:.0f} s: {ends}; "
              f"at most {self.most_live} live were seen")
        self.assertEqual(ends, {"SUCCEEDED": len(self.made)})
        self.wait_until(lambda: self.server.cli_json(
            "workflow", "list", "--query",
            f"TaskQueue='{self.queue}' AND ExecutionStatus='Running'") == [], bound=180)


if __name__ == "__main__":
    unittest.main(verbosity=2)
