# SPDX-License-Identifier: MIT
"""A daemon on each durable storage that is killed again and again, at any moment of its life and under load:
no accepted job is lost, none sticks, one command is one job, and no slot stays taken.

LUCIUS_TEST_KILLS says how often, LUCIUS_TEST_SEED repeats a run.
"""
import os
import random
import threading

from posters import Posters, check_all_end, check_one_job_a_command, free_port
from tables_world import TablesWorld
from world import BOUND, Lucius, World, unittest

LONG_EVERY = 8  # after so many short lives one that is long enough for consumers to come back


class Kills:
    """What the storages differ in: `n_kills` in every run, `n_clients`, `settings` and `life`."""

    def begin(self):
        self.n_kills = int(os.environ.get("LUCIUS_TEST_KILLS", self.n_kills))
        self.seed = int(os.environ.get("LUCIUS_TEST_SEED", random.randrange(1 << 32)))
        self.random = random.Random(self.seed)
        print(f"seed {self.seed}, {self.n_kills} kills", flush=True)
        self.port = free_port()
        self.whole_settings = self.settings(
            LUCIUS_HTTP_LISTEN=f"127.0.0.1:{self.port}",
            LUCIUS_BUS_LISTEN=f"127.0.0.1:{free_port()}", LUCIUS_OWN_LEASE_SECONDS="2",
            LUCIUS_SWEEP_SECONDS="1", LUCIUS_MAX_INFLIGHT_PER_TENANT="1000",
            LUCIUS_LOG_LEVEL="info")

    def live(self):
        lucius = Lucius(self.whole_settings)
        self.addCleanup(self._end, lucius)
        return lucius

    def kill_at_random(self, number, posters):
        n_accepted = len(posters.accepted)
        lucius = self.live()
        if number % LONG_EVERY == LONG_EVERY - 1:
            # Those that ended when a kill came before the line about it are not to hold up the clients.
            recovery = self.wait_line(lucius, "recovery.done")
            if recovery is not None:
                posters.n_over = max(posters.n_over, n_accepted - recovery["jobs"])
            self.wait_line(lucius, "job.finished")
        self.life(lucius, number)
        lucius.kill()
        posters.n_over += len(lucius.events("job.finished"))

    def wait_line(self, lucius, event):
        """One that is too slow for its lease ends by itself, which is a death like any other: None. What
        another one complained of comes first."""
        try:
            return lucius.wait_line(event)
        except AssertionError as failure:
            if lucius.events("service.ownership_lost"):
                return None
            grave = [line for line in lucius.lines if line.get("level") in ("warning", "error")]
            raise AssertionError(f"{grave[-5:]}") from failure

    def pause(self, most):
        threading.Event().wait(self.random.uniform(0, most))

    def consume_all(self, lucius):
        consumers = [self.consume(lucius, subscription, arguments=["--handler", "noop"])
                     for subscription in ("distributed-ocr", "vector-ingestion")]
        for consumer in consumers:
            consumer.wait_line("consumer.started")
        return consumers

    def test_nothing_is_lost_and_nothing_sticks_however_often_it_is_killed(self):
        self.begin()
        posters = Posters(self.port, self.n_clients)
        first = self.live()
        first.wait_ready()
        consumers = self.consume_all(first)
        posters.start()
        first.wait_line("job.finished")
        first.kill()
        for number in range(self.n_kills - 1):
            self.kill_at_random(number, posters)
            if number % 100 == 99:
                print(f"{number + 1} kills, {len(posters.accepted)} jobs accepted", flush=True)
        last = self.start(self.whole_settings)
        posters.finish_commands()
        self.assertGreater(len(posters.accepted), self.n_kills // 4)
        check_all_end(self, last, posters)
        check_one_job_a_command(self, last, posters)
        self.check_slots(last, posters)
        for consumer in consumers:
            consumer.kill()
        print(f"{self.n_kills} kills, {len(posters.accepted)} jobs accepted and done, "
              f"{posters.n_cut} commands cut", flush=True)

    def check_slots(self, lucius, posters):
        """With a limit of one, each tenant gets one in: all slots are free."""
        self.assertEqual(lucius.stop(), 0)
        lucius = self.start({**self.whole_settings, "LUCIUS_MAX_INFLIGHT_PER_TENANT": "1"})
        pause = threading.Event()
        for tenant in range(posters.n_tenants):
            for _ in range(BOUND * 10):
                answer = lucius.orchestrate(tenant_id=f"t{tenant}", input_ref="the last")
                if answer.status != 429:
                    break
                pause.wait(0.1)
            self.assertEqual(answer.status, 202, answer.body)
        self.assertEqual(lucius.stop(), 0)


class Sqlite(Kills, World):
    n_kills = 30
    n_clients = 1

    def settings(self, **more):
        return {"LUCIUS_STORAGE_BACKEND": "sqlite",
                "LUCIUS_SQLITE_FILE": os.path.join(self.folder, "jobs.db"), **more}

    def life(self, lucius, number):
        self.pause(0.6)


class Tables(Kills):
    n_kills = 15
    n_clients = 4

    def life(self, lucius, number):
        """A new one stands by until the lease of the one before is over; a few die before that."""
        if number % 4 != 0:
            self.wait_line(lucius, "service.active")
        self.pause(1)


class Table(Tables, TablesWorld):
    backend = "table"


class Ledger(Tables, TablesWorld):
    backend = "ledger"


if __name__ == "__main__":
    unittest.main(verbosity=2)
