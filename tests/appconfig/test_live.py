#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every option that is marked live changes in the running process, and every other is named as needing
a restart; the list is what --describe says, so that a new one is missed here."""
import os
import re
import time
import unittest

from source_world import BOUND, SourceWorld

# What new jobs carry: variable, key, value, member of the job's options, what it becomes there
OF_JOBS = [
    ("LUCIUS_MAX_ATTEMPTS", "MaxAttempts", "7", "max_attempts", 7),
    ("LUCIUS_STEP_RESULT_TIMEOUT_SECONDS", "StepResultTimeoutSeconds", "123",
     "step_result_timeout_seconds", 123),
    ("LUCIUS_LEASE_MINUTES", "LeaseMinutes", "9", "lease_seconds", 540),
    ("LUCIUS_RETRY_INITIAL_SECONDS", "RetryInitialSeconds", "4", "retry_initial_seconds", 4),
    ("LUCIUS_RETRY_MAX_SECONDS", "RetryMaxSeconds", "44", "retry_max_seconds", 44),
    ("LUCIUS_TEMPORAL_WORKFLOW_EXECUTION_TIMEOUT", "Temporal:WorkflowExecutionTimeout", "777",
     "execution_timeout_seconds", 777),
]
# Shown by the test of that name below, or elsewhere.
SHOWN = {
    "LUCIUS_LOG_LEVEL": "test_level_of_the_log",
    "LUCIUS_SHUTDOWN_SECONDS": "test_daemon.py",
    "LUCIUS_PROTOCOLS": "test_refresh.py",
    "LUCIUS_DEFAULT_MODE": "test_mode_of_commands_that_name_none",
    "LUCIUS_MAX_INFLIGHT_PER_TENANT": "test_refresh.py",
    "LUCIUS_RETENTION_DAYS": "test_sweeper.c",
    "LUCIUS_SWEEP_SECONDS": "test_sweeps_begin_to_come",
    "LUCIUS_REPLY_DLQ_SECONDS": "test_replies.c",
    "LUCIUS_APPCONFIG_REFRESH_SECONDS": "test_looks_begin_to_come",
}


class Live(SourceWorld):
    def put(self, **values):
        for name, value in values.items():
            self.server.store.put("Lucius:" + name, value)

    def change(self, lucius, **values):
        mark = len(lucius.lines)
        self.put(**values)
        lucius.wait_line("config.read", after=mark)

    def settle(self, lucius, max_attempts):
        """All that has been put is read: a look may have fallen between two writes."""
        self.put(MaxAttempts=max_attempts)
        self.wait_taken(lucius, "LUCIUS_MAX_ATTEMPTS", max_attempts)

    def described(self):
        """The variables of core and source, and whether each is live and needs what."""
        found = {}
        for title in ("core", "config-appconfig"):
            status, out, err = self.command("--describe", title)
            self.assertEqual(status, 0, err)
            for part in re.split(r"\n(?=[A-Z_]+\n)", out):
                name = part.strip().split("\n")[0]
                if re.fullmatch("[A-Z_]+", name):
                    found[name] = part
        return found

    def test_each_live_option_is_shown_to_change(self):
        live = {name for name, text in self.described().items() if "May change while running" in text}
        self.assertEqual(live, {row[0] for row in OF_JOBS} | set(SHOWN))

    def test_what_jobs_carry_is_that_of_their_beginning(self):
        lucius = self.daemon()
        first = lucius.orchestrate().json["jobId"]
        before = lucius.job(first)["job"]["options"]
        for _, key, value, _, _ in OF_JOBS[1:]:
            self.server.store.put("Lucius:" + key, value)
        self.settle(lucius, OF_JOBS[0][2])
        second = lucius.orchestrate(input_ref="other").json["jobId"]
        options = lucius.job(second)["job"]["options"]
        for variable, _, value, member, expected in OF_JOBS:
            self.assertEqual(options[member], expected)
            self.assertNotEqual(before[member], expected)
            self.assertTrue(any(f"{variable} is now '{value}'" in line for line in lucius.raw))
        self.assertEqual(lucius.job(first)["job"]["options"], before)

    def test_a_running_job_ends_by_what_it_began_with(self):
        """Also where another process goes on with it."""
        durable = {"LUCIUS_STORAGE_BACKEND": "sqlite",
                   "LUCIUS_SQLITE_FILE": os.path.join(self.folder, "jobs.db")}
        self.put(MaxAttempts="1", StepResultTimeoutSeconds="5")
        lucius = self.daemon(durable)
        job = lucius.orchestrate().json["jobId"]  # nobody takes its step
        self.put(StepResultTimeoutSeconds="5000")
        self.settle(lucius, "50")
        self.assertEqual(lucius.stop(), 0)
        lucius = self.daemon(durable)
        whole = lucius.wait_state(job, "FAILED_FINAL")
        self.assertEqual(whole["job"]["options"]["max_attempts"], 1)
        steps = lucius.ask("GET", f"/v1/jobs/{job}/steps?tenant_id=t1").json
        self.assertEqual(steps[0]["attempt_no"], 1)

    def test_level_of_the_log(self):
        lucius = self.daemon({"LUCIUS_LOG_LEVEL": ""})
        self.assertFalse(any(line.get("level") == "debug" for line in lucius.lines))
        self.change(lucius, LogLevel="debug")
        mark = len(lucius.lines)
        lucius.orchestrate()
        self.server.fail(status=503, times=6)
        lucius.wait_line("config.not_seen", after=mark, level="debug")
        lucius.wait_line("config.seen_again", after=mark)
        self.put(LogLevel="error")
        line = lucius.wait_line("config.option", after=mark, level="warning")
        self.assertIn("LUCIUS_LOG_LEVEL is now 'error'", line["message"])
        count = len(self.server.requests)
        self.put(MaxAttempts="8")
        self.server.wait_count(count + 4)
        self.assertEqual(lucius.stop(), 0)
        self.assertFalse(any(line.get("event") == "daemon.stopped" for line in lucius.lines))

    def test_mode_of_commands_that_name_none(self):
        lucius = self.daemon()
        self.assertEqual(self.mode(lucius, "one"), "DEFAULT")
        self.change(lucius, DefaultMode="BURST")
        self.assertEqual(self.mode(lucius, "two"), "BURST")

    def mode(self, lucius, input_ref):
        job = lucius.orchestrate(input_ref=input_ref, doc_id="d").json["jobId"]
        steps = lucius.ask("GET", f"/v1/jobs/{job}/steps?tenant_id=t1").json
        return steps[0]["resolved_mode"]

    def test_sweeps_begin_to_come(self):
        self.put(SweepSeconds="86400")
        lucius = self.daemon({"LUCIUS_OWN_LEASE_SECONDS": "3600"})  # nothing else asks the storage
        self.change(lucius, MaxAttempts="5")
        before = self.asked(lucius)
        self.change(lucius, MaxAttempts="6")
        self.assertEqual(self.asked(lucius), before)
        self.change(lucius, SweepSeconds="1")
        end = time.monotonic() + BOUND
        while self.asked(lucius) < before + 4:
            self.assertLess(time.monotonic(), end)
            self.server.wait_count(len(self.server.requests) + 1)

    @staticmethod
    def asked(lucius):
        text = lucius.ask("GET", "/metrics").body.decode()
        return int(re.search(r'lucius_operations_total\{backend="storage-memory"\} (\d+)', text)[1])

    def test_looks_begin_to_come(self):
        self.put(**{"AppConfig:RefreshSeconds": "86400"})
        lucius = self.daemon({"LUCIUS_APPCONFIG_REFRESH_SECONDS": ""})
        count = len(self.server.requests)
        self.put(**{"AppConfig:RefreshSeconds": "1"})
        mark = len(lucius.lines)
        lucius.signal(1)
        lucius.wait_line("config.read", after=mark)
        self.server.wait_count(count + 4)
        self.change(lucius, **{"AppConfig:RefreshSeconds": "0"})
        self.put(MaxAttempts="9")
        count = len(self.server.requests)
        mark = len(lucius.lines)
        lucius.signal(1)
        lucius.wait_line("config.read", after=mark)
        self.assertEqual(len(self.server.requests), count + 1)

    def test_each_other_option_is_named_as_needing_a_restart(self):
        # What leads to the source, and what the environment of each daemon here has.
        skipped = {"LUCIUS_CONFIG", "LUCIUS_CONFIG_SOURCE", "LUCIUS_PLUGINS_DIR",
                   "LUCIUS_LOG_FORMAT", "LUCIUS_HTTP_LISTEN", "LUCIUS_INVOKER_LISTEN"}
        lucius = self.daemon()
        wanted = []
        for name, text in self.described().items():
            if "May change" in text or name in skipped or not name.startswith("LUCIUS_") or \
                    name.startswith("LUCIUS_APPCONFIG"):
                continue
            key = re.search(r"key (Lucius:\S+)", text)[1]
            self.server.store.put(key, self.other(text))
            wanted.append(name)
        self.assertGreater(len(wanted), 20)
        for value in ("11", "12", "13"):  # read again and again
            self.settle(lucius, value)
        said = [line["message"] for line in lucius.lines if line.get("event") == "config.option"]
        for name in wanted:
            self.assertEqual(sum(f"{name} is now '" in text and "after a restart" in text
                                 for text in said), 1, (name, said))

    @staticmethod
    def other(text):
        """A value that the option takes and that is not its default."""
        choices = re.search(r"one of (\S+)\.", text)
        default = re.search(r"Default: (.*?)\.(?: |\n|$)", text)
        default = default[1] if default else None
        if choices:
            return next(word for word in choices[1].split("|") if word != default)
        if "true or false" in text:
            return "false" if default == "true" else "true"
        if "a whole number" in text:
            return str(int(default) + 1) if "to " + default not in text else str(int(default) - 1)
        return "something-else"


if __name__ == "__main__":
    unittest.main()
