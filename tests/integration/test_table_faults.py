# SPDX-License-Identifier: MIT
"""Storage table and ledger behind a network and a service that fail in every way, under load.

LUCIUS_TEST_FAULT_SECONDS says how long (8), LUCIUS_TEST_SEED repeats a run.
"""
import os
import random
import threading

import fault_proxy
from fault_proxy import FaultProxy
from posters import LimitWatch, Posters, check_all_end, check_one_job_a_command, free_port
from tables_world import TablesWorld
from world import unittest

SECONDS = float(os.environ.get("LUCIUS_TEST_FAULT_SECONDS", "8"))
SWEEP_SECONDS = 60  # what is cut is taken up by the sweeper after so long; in a short run by a restart
AT_LEAST = {kind: 5 for kind in fault_proxy.KINDS} | {fault_proxy.STALL: 1}
LIMIT = 8
RATES = {fault_proxy.BUSY: .02, fault_proxy.FAILED_AFTER: .02, fault_proxy.RESET_BEFORE: .02,
         fault_proxy.RESET_AFTER: .02, fault_proxy.STALL: .002, fault_proxy.LATE: .01,
         fault_proxy.CUT: .02}


class Faults:
    def test_no_job_is_lost_doubled_or_stuck_and_no_slot_leaks_whatever_fails(self):
        seed = int(os.environ.get("LUCIUS_TEST_SEED", random.randrange(1 << 32)))
        print(f"seed {seed}", flush=True)
        proxy = FaultProxy(self.azurite.port, seed=seed)
        self.addCleanup(proxy.stop)
        port = free_port()
        settings = self.settings(
            proxy.port, LUCIUS_HTTP_LISTEN=f"127.0.0.1:{port}", LUCIUS_SWEEP_SECONDS="1",
            LUCIUS_OWN_LEASE_SECONDS="15", LUCIUS_BUS_LISTEN=f"127.0.0.1:{free_port()}",
            LUCIUS_MAX_INFLIGHT_PER_TENANT=str(LIMIT))
        lucius = self.start(settings)
        self.consume_both(lucius)
        posters = Posters(port, n_clients=8, n_tenants=3, n_waiting=10 ** 9)
        watch = LimitWatch(self.rows())
        posters.start()
        posters.wait_accepted(3)
        proxy.rates = RATES
        threading.Event().wait(SECONDS)
        proxy.wait_counts(AT_LEAST)
        proxy.rates = {}
        if SECONDS < SWEEP_SECONDS:
            self.assertEqual(lucius.stop(), 0)
            lucius = self.start(settings)
        posters.finish_commands()
        check_all_end(self, lucius, posters)
        self.check_no_slot_is_left()
        most = watch.stop()
        self.assertLessEqual(most, LIMIT)
        check_one_job_a_command(self, lucius, posters)
        print(f"{self.backend}, seed {seed}: {len(posters.accepted)} jobs accepted and done, "
              f"answers {posters.statuses}; at most {most} of {LIMIT} live in {watch.n_looks} looks; "
              f"of {proxy.n_requests} requests {proxy.counts}", flush=True)
        self.assertEqual(lucius.stop(), 0)


class Table(Faults, TablesWorld):
    backend = "table"


class Ledger(Faults, TablesWorld):
    backend = "ledger"


if __name__ == "__main__":
    unittest.main(verbosity=2)
