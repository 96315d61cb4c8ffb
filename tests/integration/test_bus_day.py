# SPDX-License-Identifier: MIT
"""A day of Service Bus in a minute: tokens run out, locks end, links and connections are taken away.

All times of the service are cut down alike: a token lives for four seconds instead of an hour, links
are detached and connections closed every few seconds. Jobs go on meanwhile; none may be lost, and no
directive may be worked on twice. LUCIUS_TEST_DAY_SECONDS is how long it lasts (12; 1200 for the whole).
"""
import collections
import os
import time

from world import World, unittest

SECONDS = float(os.environ.get("LUCIUS_TEST_DAY_SECONDS", "12"))
JOBS_A_SECOND = 5
# Every tenth handler works longer than a lock lasts.
HANDLER = """
id=$(cat | sed 's/.*"jobId": *"\\([0-9a-f]*\\)".*/\\1/')
echo "$id" >> {log}
case $id in *0) exec 3<> {pipe}; read -t 3 line <&3 || true ;; esac
echo '"done"'
"""


class Day(World):
    def start_all(self):
        bus = self.start({
            "LUCIUS_BUS_LISTEN": "127.0.0.1:0", "LUCIUS_HEALTH_LISTEN": "127.0.0.1:0",
            "LUCIUS_BUS_LOCK_SECONDS": "2", "LUCIUS_BUS_LINK_SECONDS": "3",
            "LUCIUS_BUS_CONNECTION_SECONDS": "7"}, ["--role", "bus"])
        lucius = self.start({
            "LUCIUS_SERVICEBUS_CONNECTION": bus.connection, "LUCIUS_BUS_LISTEN": "",
            "LUCIUS_SERVICEBUS_TOKEN_SECONDS": "4", "LUCIUS_MAX_INFLIGHT_PER_TENANT": "100000",
            # What is lost would be seen as a second attempt or as a job without an end.
            "LUCIUS_STEP_RESULT_TIMEOUT_SECONDS": "60"})
        lucius.wait_line("servicebus.connected")
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        log = os.path.join(self.folder, "handled")
        script = self.script("handler", HANDLER.format(log=log, pipe=pipe)).split()
        self.consume(bus, "distributed-ocr", ["/bin/bash", *script],
                     arguments=["--step-type", "OCR", "--concurrency", "16"])
        return bus, lucius, log

    def submit(self, lucius):
        """Jobs at an even pace; their ids."""
        jobs, start = [], time.monotonic()
        while time.monotonic() - start < SECONDS:
            answer = lucius.orchestrate(idempotency_key=f"day-{len(jobs)}")
            self.assertEqual(answer.status, 202, answer.body)
            jobs.append(answer.json["jobId"])
            due = start + len(jobs) / JOBS_A_SECOND
            # The pace of a client, not a wait for something that is to happen.
            time.sleep(max(0, due - time.monotonic()))
        return jobs

    def metric(self, lucius, name):
        text = lucius.ask("GET", "/metrics").body.decode()
        values = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                  if line.startswith("lucius_bus_servicebus_" + name)]
        return sum(values)

    def test_a_day_of_lost_links_loses_no_job_and_runs_none_twice(self):
        bus, lucius, log = self.start_all()
        jobs = self.submit(lucius)
        for job_id in jobs:
            whole = lucius.wait_state(job_id, "SUCCEEDED", "FAILED_FINAL")
            self.assertEqual(whole["job"]["state"], "SUCCEEDED", whole)
            self.assertEqual(whole["steps"][0]["attempt_no"], 1, whole["steps"])
        with open(log, encoding="ascii") as file:
            handled = collections.Counter(file.read().split())
        self.assertEqual(sorted(handled), sorted(jobs))
        self.assertEqual([job for job, n in handled.items() if n != 1], [])
        # It was a day: everything that it is about has happened, often.
        self.assertGreater(self.metric(lucius, "reconnects"), SECONDS / 14)
        self.assertGreater(self.metric(lucius, "detaches"), SECONDS)
        self.assertEqual(lucius.stop(), 0)
        self.assertEqual(bus.stop(), 0)


if __name__ == "__main__":
    unittest.main()
