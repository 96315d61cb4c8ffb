# SPDX-License-Identifier: MIT
"""Two processes over the same tables, 16 clients each, that create and finish jobs of one tenant far beyond
its limit, one of them killed at random: the limit is never exceeded, and at the end no slot is left.

LUCIUS_TEST_ROUNDS says how often (1), LUCIUS_TEST_SEED repeats a run.
"""
import os
import random
import re
import signal
import subprocess
import threading
import uuid

from posters import LimitWatch
from tables_world import TablesWorld
from world import BOUND, unittest

ROUNDS = int(os.environ.get("LUCIUS_TEST_ROUNDS", "1"))
LIMIT = 100
AFTER_SECONDS = 3  # that they go on at most once the limit is reached, and again after the kill


class Limit:
    def swarm(self, what):
        child = subprocess.Popen(
            [*self.backend_program(), "--suite", f"tenant={self.tenant}", "--suite", f"limit={LIMIT}",
             "--only", what],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True)
        self.addCleanup(self.end, child)
        return child

    @staticmethod
    def end(child):
        """The suite runs its test in a process of its own: both go."""
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(BOUND)
        child.stdin.close()
        child.stdout.close()

    def said(self, child):
        said = child.communicate(timeout=BOUND * 3)[0]
        self.assertEqual(child.returncode, 0, said)
        return said

    def run_round(self, chance):
        two = [self.swarm("swarm") for _ in range(2)]
        for child in two:
            self.assertEqual(child.stdout.readline(), "swarming\n")
        watch = LimitWatch(self.rows(), pause_s=0.01)
        watch.wait_most(LIMIT * 0.95)
        pause = threading.Event()
        pause.wait(chance.uniform(0, AFTER_SECONDS))
        os.killpg(two[0].pid, signal.SIGKILL)
        pause.wait(chance.uniform(1, AFTER_SECONDS))
        self.assertEqual(two[1].stdout.readline(), "refused\n")
        created, finished, refused = map(int, re.search(
            r"created (\d+) finished (\d+) refused (\d+)", self.said(two[1])).groups())
        self.assertEqual(created, finished)
        left = len(self.rows().slots())
        self.said(self.swarm("finish"))
        most = watch.stop()
        self.assertLessEqual(most, LIMIT)
        self.assertGreater(refused, 0)
        self.assertEqual(self.rows().slots(), [])
        # What is in no final state was never committed, and is never shown.
        states = {row["state"] for row in self.rows().jobs()}
        self.assertLessEqual(states, {"SUCCEEDED", "ABORTED"})
        print(f"{self.backend}: the one left created {created} jobs, was refused {refused} times; "
              f"at most {most} of {LIMIT} live in {watch.n_looks} looks; the killed one left {left} "
              "slots, all freed", flush=True)

    def test_limit_is_exact_over_two_processes_of_which_one_is_killed(self):
        seed = int(os.environ.get("LUCIUS_TEST_SEED", random.randrange(1 << 32)))
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        for _ in range(ROUNDS):
            self.tenant = "tenant-" + uuid.uuid4().hex[:8]
            self.run_round(chance)


class Table(Limit, TablesWorld):
    backend = "table"


class Ledger(Limit, TablesWorld):
    backend = "ledger"


if __name__ == "__main__":
    unittest.main(verbosity=2)
