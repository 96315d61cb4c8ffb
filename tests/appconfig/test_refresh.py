#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A running daemon with App Configuration: what changes, what stays, what an outage does."""
import json
import os
import signal
import stat
import subprocess
import time
import unittest

from source_world import LUCIUSD, PLAIN, PLUGINS, SourceWorld, clean_environment
from world import CONSUMER, SOURCE



def protocols(*extra):
    with open(os.path.join(SOURCE, "etc/protocols.json"), encoding="utf-8") as file:
        document = json.load(file)
    step = {"step_id": "ocr", "step_type": "OCR", "service": "platform-ocr",
            "payload_schema_ref": "ocr.v1.json"}
    for name in extra:
        document["protocols"].append(
            {"protocol_id": f"{name.lower()}.v1", "request_types": [name], "steps": [step]})
    return document


class Refresh(SourceWorld):
    def put(self, **values):
        for name, value in values.items():
            self.server.store.put("Lucius:" + name, value)

    def wait_read(self, lucius, after, level="info"):
        return lucius.wait_line("config.read", after=after, level=level)

    def test_live_options_change_for_new_jobs_and_running_ones_keep_theirs(self):
        self.put(MaxAttempts="2", StepResultTimeoutSeconds="100", LogLevel="info")
        lucius = self.daemon()
        first = lucius.orchestrate().json["jobId"]
        self.assertEqual(lucius.job(first)["job"]["options"]["max_attempts"], 2)
        mark = len(lucius.lines)
        self.put(MaxAttempts="4", StepResultTimeoutSeconds="200", LogLevel="debug")
        self.wait_read(lucius, mark)
        second = lucius.orchestrate(input_ref="other").json["jobId"]
        new, old = (lucius.job(job)["job"]["options"] for job in (second, first))
        self.assertEqual((new["max_attempts"], new["step_result_timeout_seconds"]), (4, 200))
        self.assertEqual((old["max_attempts"], old["step_result_timeout_seconds"]), (2, 100))
        self.assertTrue(any("LUCIUS_LOG_LEVEL is now 'debug'" in line for line in lucius.raw))
        self.put(MaxInflightPerTenant="2")
        self.wait_read(lucius, len(lucius.lines))
        self.assertEqual(lucius.orchestrate(input_ref="third").status, 429)
        self.assertEqual(lucius.stop(), 0)

    def test_protocols_change_in_the_running_process(self):
        lucius = self.daemon()
        self.assertEqual(lucius.orchestrate(request_type="NEW").status, 400)
        mark = len(lucius.lines)
        self.server.store.put("Lucius:Protocols", protocols("NEW"),
                              content_type="application/json")
        self.wait_read(lucius, mark)
        self.assertEqual(lucius.orchestrate(request_type="NEW").status, 202)
        # What is not good changes nothing, not even what is beside it.
        mark = len(lucius.lines)
        self.put(MaxAttempts="9")
        self.server.store.put("Lucius:Protocols", '{"schema_version": "v2"}')
        self.wait_read(lucius, mark, "error")
        self.assertEqual(lucius.orchestrate(request_type="NEW", input_ref="x").status, 202)
        job = lucius.orchestrate(input_ref="y").json["jobId"]
        self.assertEqual(lucius.job(job)["job"]["options"]["max_attempts"], 3)

    def test_a_refresh_with_one_wrong_value_changes_nothing(self):
        self.put(MaxAttempts="2")
        lucius = self.daemon()
        mark = len(lucius.lines)
        self.put(MaxAttempts="5", LeaseMinutes="soon")
        self.wait_read(lucius, mark, "error")
        self.assertTrue(any("LUCIUS_LEASE_MINUTES: 'soon' from the key 'Lucius:LeaseMinutes'" in line
                            for line in lucius.raw))
        job = lucius.orchestrate().json["jobId"]
        self.assertEqual(lucius.job(job)["job"]["options"]["max_attempts"], 2)
        mark = len(lucius.lines)
        self.put(LeaseMinutes="20")
        self.wait_read(lucius, mark)
        job = lucius.orchestrate(input_ref="other").json["jobId"]
        self.assertEqual(lucius.job(job)["job"]["options"]["max_attempts"], 5)

    def test_after_a_wrong_value_the_stores_last_good_word_stands_beside_a_changed_file(self):
        conf = self.write("lucius.conf", "lease_minutes = 10;\n")
        self.put(MaxAttempts="2")
        lucius = self.daemon({"LUCIUS_CONFIG": conf})
        mark = len(lucius.lines)
        self.put(MaxAttempts="5", LeaseMinutes="soon")
        self.wait_read(lucius, mark, "error")
        self.server.fail(status=503, times=100000)
        self.write("lucius.conf", "lease_minutes = 11;\n")
        mark = len(lucius.lines)
        lucius.signal(signal.SIGHUP)
        self.wait_read(lucius, mark)
        options = lucius.job(lucius.orchestrate().json["jobId"])["job"]["options"]
        self.assertEqual((options["max_attempts"], options["lease_seconds"]), (2, 660))

    def test_what_needs_a_restart_is_named_once(self):
        lucius = self.daemon()
        self.server.store.put("Lucius:Http:MaxDepth", "50")
        for value in ("5", "6", "7"):
            mark = len(lucius.lines)
            self.put(MaxAttempts=value)
            self.wait_read(lucius, mark)
        said = [line for line in lucius.raw if "LUCIUS_HTTP_MAX_DEPTH is now '50'" in line]
        self.assertEqual(len(said), 1, said)
        self.assertIn("restart", said[0])

    def test_looks_cost_a_304_each_and_change_nothing(self):
        self.put(MaxAttempts="2")
        lucius = self.daemon()
        self.server.wait_count(4)
        self.assertEqual({status for _, _, status in self.server.requests[1:]}, {304})
        self.assertEqual(lucius.events("config.read"), [])
        headers = self.server.seen_headers[-1]
        self.assertIn("zAJw6V16=", headers["Sync-Token"])
        self.assertNotIn(";sn=", headers["Sync-Token"])

    def test_hangup_reads_file_and_store_with_refresh_off(self):
        conf = self.write("lucius.conf", "lease_minutes = 10;\n")
        self.put(MaxAttempts="2")
        lucius = self.daemon({"LUCIUS_APPCONFIG_REFRESH_SECONDS": "0", "LUCIUS_CONFIG": conf})
        count = len(self.server.requests)
        self.put(MaxAttempts="6")
        self.write("lucius.conf", "lease_minutes = 11;\n")
        mark = len(lucius.lines)
        lucius.signal(signal.SIGHUP)
        self.wait_read(lucius, mark)
        options = lucius.job(lucius.orchestrate().json["jobId"])["job"]["options"]
        self.assertEqual((options["max_attempts"], options["lease_seconds"]), (6, 660))
        self.assertEqual(len(self.server.requests), count + 1)

    def test_an_outage_while_running_is_said_once_and_the_options_stay(self):
        self.put(MaxAttempts="2")
        lucius = self.daemon()
        count = len(self.server.requests)
        self.server.fail(status=503, times=9)  # three looks of three tries
        self.server.wait_count(count + 9)
        lucius.wait_line("config.seen_again")
        # Each look comes later than the one before it: 1 s, 2 s, 4 s, a quarter less or more.
        times = self.server.times
        self.assertGreater(times[count + 6] - times[count + 5], 1.4)
        self.assertGreater(times[count + 9] - times[count + 8], 2.9)
        self.assertEqual(len(lucius.events("config.not_seen")), 1)
        self.assertEqual(lucius.ask("GET", "/readyz").status, 200)
        mark = len(lucius.lines)
        self.put(MaxAttempts="7")
        self.wait_read(lucius, mark)

    def test_a_storm_of_429_makes_looks_rare(self):
        lucius = self.daemon()
        count = len(self.server.requests)
        self.server.fail(status=429, times=1000, headers={"retry-after-ms": "3600000"})
        lucius.wait_line("config.not_seen")
        mark = len(lucius.lines)
        lucius.signal(signal.SIGHUP)  # a person asks: one request more, and a sentence
        lucius.wait_line("config.source_failed", after=mark)
        self.assertEqual(len(self.server.requests), count + 2)
        self.assertEqual(lucius.stop(), 0)

    def test_print_env_starts_a_consumer_with_the_same_source(self):
        bus = self.start({"LUCIUS_HEALTH_LISTEN": "127.0.0.1:0"}, ["--role", "bus"])
        self.server.store.put("Lucius:ServiceBus:Connection", bus.connection)
        lucius = self.daemon({"LUCIUS_BUS_LISTEN": ""})
        lucius.wait_line("servicebus.connected")
        handler = self.script("ocr", "cat >/dev/null; echo '\"text\"'")
        shell = (f'eval "$({LUCIUSD} --plugins-dir {PLUGINS} --print-env)" || exit 1\n'
                 f'unset LUCIUS_APPCONFIG_CONNECTION\nexec {CONSUMER} --step-type OCR -- {handler}')
        environment = self.environment({"SERVICEBUS_TOPIC": "global-bus-p0..15",
                                        "SERVICEBUS_SUBSCRIPTION": "distributed-ocr"})
        consumer = subprocess.Popen(["sh", "-c", shell], env=clean_environment(environment),
                                    stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self._end_child, consumer)
        whole = lucius.wait_state(lucius.orchestrate().json["jobId"], "SUCCEEDED")
        self.assertEqual(whole["job"]["final_output"], "text")


class LastKnownGood(SourceWorld):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder, "kept.json")
        self.with_file = {"LUCIUS_APPCONFIG_CACHE_FILE": self.path,
                          "LUCIUS_APPCONFIG_STARTUP_SECONDS": "1"}
        self.server.store.put("Lucius:MaxAttempts", "7")

    def keep(self, environment=None):
        """A daemon writes the file and goes."""
        lucius = self.daemon({**self.with_file, **(environment or {})})
        self.assertEqual(lucius.stop(), 0)

    def away(self):
        self.server.faults.clear()
        self.server.fail(status=503, times=100000)

    def test_a_start_without_the_store_goes_on_and_catches_up_later(self):
        self.keep()
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        self.away()
        lucius = self.daemon(self.with_file)
        lucius.wait_line("config.last_known_good")
        job = lucius.orchestrate().json["jobId"]
        self.assertEqual(lucius.job(job)["job"]["options"]["max_attempts"], 7)
        mark = len(lucius.lines)
        self.server.store.put("Lucius:MaxAttempts", "8")
        self.server.faults.clear()
        lucius.wait_line("config.read", after=mark, level="info")
        job = lucius.orchestrate(input_ref="other").json["jobId"]
        self.assertEqual(lucius.job(job)["job"]["options"]["max_attempts"], 8)
        self.assertEqual(lucius.stop(), 0)
        with open(self.path, encoding="utf-8") as file:
            self.assertIn('"8"', file.read())

    def test_the_file_holds_no_secret_and_a_start_that_needs_one_names_it(self):
        self.server.store.put("Lucius:Invoker:Token", PLAIN)
        self.server.store.put("Lucius:Unknown:Word", PLAIN)
        self.keep()
        with open(self.path, encoding="utf-8") as file:
            text = file.read()
        self.assertNotIn(PLAIN, text)
        self.assertIn("Lucius:Invoker:Token", text)
        self.away()
        self.refused("LUCIUS_INVOKER_TOKEN: the key 'Lucius:Invoker:Token'", "holds no secrets",
                     environment=self.with_file, status=78)
        found = self.checked({**self.with_file, "LUCIUS_INVOKER_TOKEN": PLAIN})
        self.assertTrue(found["LUCIUS_MAX_ATTEMPTS"].startswith("7 "))

    def test_what_was_never_in_force_is_not_kept(self):
        self.keep()
        self.server.store.put("Lucius:MaxAttempts", "many")
        self.refused("LUCIUS_MAX_ATTEMPTS: 'many'", environment=self.with_file)
        self.away()
        found = self.checked(self.with_file)
        self.assertTrue(found["LUCIUS_MAX_ATTEMPTS"].startswith("7 "))

    def test_a_file_that_is_old_open_damaged_or_of_another_store_is_not_used(self):
        self.keep()
        self.away()
        old = time.time() - 25 * 3600
        os.utime(self.path, (old, old))
        self.refused("25 hours old", environment=self.with_file, status=1)
        self.checked({**self.with_file, "LUCIUS_APPCONFIG_CACHE_HOURS": "26"})
        os.utime(self.path)
        os.chmod(self.path, 0o644)
        self.refused("must be a file of this user alone", environment=self.with_file, status=1)
        os.chmod(self.path, 0o600)
        self.refused("not of this store", status=1,
                     environment={**self.with_file, "LUCIUS_APPCONFIG_LABEL": "prod"})
        with open(self.path, "r+", encoding="utf-8") as file:
            file.truncate(20)
        self.refused("damaged", environment=self.with_file, status=1)

    def test_a_wrong_secret_is_no_outage(self):
        self.keep()
        self.server.credentials = {"test-l0-s0:id": "bmV3"}
        self.refused("Invalid Signature", status=1, environment={
            **self.with_file, "LUCIUS_APPCONFIG_CONNECTION":
                self.server.connection(secret="b2xk")})

    def test_it_is_off_unless_it_is_asked_for(self):
        lucius = self.daemon()
        self.assertEqual(lucius.stop(), 0)
        self.away()
        self.refused("503", status=1)
        self.assertEqual(os.listdir(self.folder), [])


if __name__ == "__main__":
    unittest.main()
