#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The life of the process from outside: options, commands, start, signals, stop, exit status.
Called with the binary and the directory of the stage plugins."""
import http.server
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

BINARY = ""
PLUGINS = ""
BOUND = 20  # seconds that any single wait may take
STAGES = ["--storage-backend=stage", "--bus-backend=stage", "--workflow-backend=stage"]


def clean_environment(extra):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LUCIUS_")}
    return {**kept, **extra}


def run(*arguments, **environment):
    """A command that ends by itself."""
    return subprocess.run([BINARY, "--plugins-dir", PLUGINS, *arguments], capture_output=True,
                          text=True, timeout=BOUND, env=clean_environment(environment), check=False)


class Daemon:
    """A running one; its log lines come as objects."""

    def __init__(self, *arguments, **environment):
        self.process = subprocess.Popen(
            [BINARY, "--plugins-dir", PLUGINS, *STAGES, *arguments], stderr=subprocess.PIPE,
            text=True, env=clean_environment(environment))
        self.lines = []
        self.queue = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stderr:
            self.queue.put(json.loads(line) if line.startswith("{") else {"text": line})
        self.queue.put(None)

    def next(self):
        line = self.queue.get(timeout=BOUND)
        if line is not None:
            self.lines.append(line)
        return line

    def wait_for(self, event, **fields):
        """The next line of that event; what comes before it is kept in lines."""
        while (line := self.next()) is not None:
            if line.get("event") == event and fields.items() <= line.items():
                return line
        raise AssertionError(f"no {event} {fields} in {self.lines}")

    def send(self, number):
        self.process.send_signal(number)

    def end(self):
        """The exit status, once all lines are read."""
        while self.next() is not None:
            pass
        self.process.stderr.close()
        return self.process.wait(timeout=BOUND)

    def kill(self):
        self.process.kill()
        self.end()

    def stages(self):
        return [(line["event"].split(".")[1], line.get("backend", "service").split("-")[0])
                for line in self.lines
                if line.get("event", "").startswith(("stage.", "service."))]


class Life(unittest.TestCase):
    def test_stages_come_in_order_and_stop_in_the_other(self):
        daemon = Daemon()
        ready = daemon.wait_for("daemon.ready")
        self.assertIn("start_ms", ready)
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.end(), 0)
        kinds = ["storage", "bus", "workflow"]
        expected = [("create", kind) for kind in kinds] + [("create", "service")]
        expected += [("start", kind) for kind in [*kinds, "service"]]
        expected += [("listen", kind) for kind in [*kinds, "service"]]
        expected += [("stop", kind) for kind in ["service", *reversed(kinds)]]
        expected += [("destroy", kind) for kind in ["service", *reversed(kinds)]]
        self.assertEqual(daemon.stages(), expected)

    def test_a_backend_that_is_not_ready_does_not_keep_the_daemon_from_starting(self):
        daemon = Daemon("--stage-bus-start", "unavailable", LUCIUS_STAGE_STORAGE_START="denied")
        for backend in ("storage-stage", "bus-stage"):
            line = daemon.wait_for("backend.not_ready", backend=backend)
            self.assertEqual(line["message"], "as the option says")
        daemon.wait_for("daemon.ready")
        daemon.send(signal.SIGINT)
        self.assertEqual(daemon.end(), 0)

    def test_an_internal_failure_of_a_start_ends_the_daemon_in_order(self):
        daemon = Daemon(LUCIUS_STAGE_BUS_START="internal")
        self.assertEqual(daemon.end(), 1)
        stages = daemon.stages()
        self.assertNotIn(("start", "workflow"), stages)
        self.assertEqual(stages[-4:], [("destroy", kind) for kind in
                                       ["service", "workflow", "bus", "storage"]])
        self.assertTrue(any(line["event"] == "backend.start_failed" for line in daemon.lines))

    def test_a_listener_that_cannot_be_had_ends_the_daemon(self):
        daemon = Daemon(LUCIUS_STAGE_BUS_LISTEN="denied")
        self.assertEqual(daemon.end(), 1)
        self.assertNotIn(("listen", "service"), daemon.stages())
        self.assertIn(("destroy", "storage"), daemon.stages())

    def test_a_stop_while_starting_ends_all_that_was_created(self):
        daemon = Daemon(LUCIUS_STAGE_BUS_START="never", LUCIUS_SHUTDOWN_SECONDS="1")
        daemon.wait_for("stage.start", backend="bus-stage")
        daemon.send(signal.SIGTERM)
        # The start that never ends is open for good: the daemon names it and ends.
        self.assertEqual(daemon.end(), 70)
        stuck = [line for line in daemon.lines if line["event"] == "daemon.stuck"]
        self.assertEqual((stuck[0]["backend"], stuck[0]["operation"]), ("bus-stage", "start"))

    def test_a_plugin_that_does_not_stop_is_named_at_the_bound(self):
        daemon = Daemon(LUCIUS_STAGE_WORKFLOW_STOP="never", LUCIUS_SHUTDOWN_SECONDS="1")
        daemon.wait_for("daemon.ready")
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.end(), 70)
        self.assertEqual(daemon.lines[-1]["event"], "daemon.stuck")
        self.assertEqual(daemon.lines[-1]["backend"], "workflow-stage")

    def test_a_second_signal_ends_at_once(self):
        daemon = Daemon(LUCIUS_STAGE_WORKFLOW_STOP="never", LUCIUS_SHUTDOWN_SECONDS="3600")
        daemon.wait_for("daemon.ready")
        daemon.send(signal.SIGTERM)
        daemon.wait_for("stage.stop", backend="workflow-stage")
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.end(), 143)

    def test_a_service_that_refuses_is_a_configuration_fault(self):
        daemon = Daemon(LUCIUS_DEFAULT_MODE="BURST")
        self.assertEqual(daemon.end(), 78)
        self.assertIn("does not like this mode", daemon.lines[-1]["message"] +
                      daemon.lines[-2].get("message", "") + str(daemon.lines))

    def test_a_plugin_that_refuses_its_options_is_a_configuration_fault(self):
        daemon = Daemon(LUCIUS_STAGE_BUS_WORD="wrong")
        self.assertEqual(daemon.end(), 78)
        self.assertIn("bus-stage cannot be used: the word is wrong", str(daemon.lines))

    def test_a_backend_that_cannot_start_at_all_ends_the_daemon(self):
        daemon = Daemon(LUCIUS_STAGE_BUS_START="foreign")
        self.assertEqual(daemon.end(), 1)
        self.assertTrue(any(line["event"] == "backend.start_failed" for line in daemon.lines))

    def test_a_service_that_fails_ends_the_daemon_with_its_sentence(self):
        for stage, event in (("start", "daemon.recovery_failed"), ("listen", "daemon.listen_failed")):
            daemon = Daemon(BARE_FAILS=stage)
            self.assertEqual(daemon.end(), 1)
            failed = [line for line in daemon.lines if line["event"] == event]
            self.assertEqual([line["message"] for line in failed], ["as the variable says"])
            self.assertNotIn("daemon.ready", [line["event"] for line in daemon.lines])
            self.assertIn(("destroy", "storage"), daemon.stages())

    def test_what_does_not_stop_well_is_named_and_the_rest_stops(self):
        daemon = Daemon(BARE_FAILS="stop", LUCIUS_STAGE_BUS_STOP="denied")
        daemon.wait_for("daemon.ready")
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.end(), 0)
        events = [line["event"] for line in daemon.lines]
        self.assertIn("daemon.stop_failed", events)
        failed = [line for line in daemon.lines if line["event"] == "backend.stop_failed"]
        self.assertEqual([(line["backend"], line["status"]) for line in failed],
                         [("bus-stage", "DENIED")])
        self.assertIn(("destroy", "storage"), daemon.stages())

    def test_a_service_that_begins_only_when_it_is_stopped_goes_no_further(self):
        for stage in ("start", "listen"):
            daemon = Daemon(BARE_WAITS=stage)
            daemon.wait_for(f"service.{stage}")
            daemon.send(signal.SIGTERM)
            self.assertEqual(daemon.end(), 0)
            self.assertNotIn("daemon.ready", [line["event"] for line in daemon.lines])

    def test_requests_that_stay_open_are_named_at_the_bound(self):
        daemon = Daemon(BARE_WAITS="stop", LUCIUS_SHUTDOWN_SECONDS="1")
        daemon.wait_for("daemon.ready")
        daemon.send(signal.SIGTERM)
        daemon.wait_for("service.stop")
        daemon.send(signal.SIGHUP)  # no time for that any more
        self.assertEqual(daemon.end(), 70)
        self.assertEqual(daemon.lines[-1]["event"], "daemon.stuck")
        self.assertIn("requests were still open", daemon.lines[-1]["message"])
        self.assertNotIn("config.read", [line["event"] for line in daemon.lines])

    def test_the_bus_role_has_the_bus_alone(self):
        daemon = Daemon("--role", "bus")
        daemon.wait_for("daemon.ready")
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.end(), 0)
        self.assertEqual({kind for _, kind in daemon.stages()}, {"bus", "service"})


class Changes(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.conf = pathlib.Path(self.directory.name, "lucius.conf")

    def tearDown(self):
        self.directory.cleanup()

    def test_hangup_takes_up_live_options_and_names_the_others(self):
        self.conf.write_text('stage_bus_word = "one";\n')
        daemon = Daemon("--config", str(self.conf))
        daemon.wait_for("daemon.ready")
        self.conf.write_text('stage_bus_word = "two";\nstage_bus_stop = "denied";\n'
                             'log_level = "debug";\n')
        daemon.send(signal.SIGHUP)
        line = daemon.wait_for("stage.reconfigure", backend="bus-stage")
        self.assertEqual(line["message"], "two")
        daemon.wait_for("config.read")
        said = [line.get("message", "") for line in daemon.lines if line["event"] == "config.option"]
        self.assertTrue(any("LUCIUS_STAGE_BUS_STOP is now 'denied'" in text and "restart" in text
                            for text in said), said)
        self.assertIn(("reconfigure", "service"), daemon.stages())
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.end(), 0)

    def test_the_time_of_a_stop_may_change_while_running(self):
        self.conf.write_text("shutdown_seconds = 3600;\n")
        daemon = Daemon("--config", str(self.conf), LUCIUS_STAGE_WORKFLOW_STOP="never")
        daemon.wait_for("daemon.ready")
        self.conf.write_text("shutdown_seconds = 1;\n")
        daemon.send(signal.SIGHUP)
        daemon.wait_for("config.read")
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.end(), 70)

    def test_a_wrong_change_leaves_all_as_it_was(self):
        self.conf.write_text('stage_bus_word = "one";\n')
        daemon = Daemon("--config", str(self.conf))
        daemon.wait_for("daemon.ready")
        for text in ('stage_bus_word = "two";\nmax_attempts = 0;\n', "stage_bus_word = two;\n",
                     'stage_bus_word = "two";\nmax_atempts = 5;\n'):
            self.conf.write_text(text)
            daemon.send(signal.SIGHUP)
            daemon.wait_for("config.option", level="error")
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.end(), 0)
        self.assertNotIn(("reconfigure", "bus"), daemon.stages())

    def test_a_config_source_stands_between_environment_and_file(self):
        source = pathlib.Path(self.directory.name, "source")
        source.write_text("Lucius:StageBusWord=remote\nLucius:StageStorageWord=remote\n"
                          "Lucius:StageWorkflowWord=remote\nOther:Key=1\n")
        self.conf.write_text('stage_bus_word = "file";\n')
        daemon = Daemon("--config", str(self.conf), "--config-source=stage",
                        "--stage-config-file", str(source), LUCIUS_STAGE_STORAGE_WORD="variable")
        daemon.wait_for("daemon.ready")
        words = {line["backend"]: line["message"] for line in daemon.lines
                 if line["event"] == "stage.start"}
        self.assertEqual(words, {"config-stage": "hello", "bus-stage": "remote",
                                 "storage-stage": "variable", "workflow-stage": "remote"})
        source.write_text("Lucius:StageBusWord=changed\n")
        line = daemon.wait_for("stage.reconfigure", backend="bus-stage")
        self.assertEqual(line["message"], "changed")
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.end(), 0)
        self.assertEqual(daemon.stages()[-1], ("destroy", "config"))

    def test_protocols_that_the_service_refuses_change_nothing(self):
        source = pathlib.Path(self.directory.name, "source")
        source.write_text("Lucius:StageBusWord=one\n")
        daemon = Daemon("--config-source=stage", "--stage-config-file", str(source))
        daemon.wait_for("daemon.ready")
        source.write_text("Lucius:StageBusWord=two\nLucius:Protocols=wrong\n")
        line = daemon.wait_for("service.not_reconfigured")
        self.assertEqual(line["message"], "the service does not like these protocols")
        daemon.wait_for("config.read", level="error")
        # The source is asked again, and gives nothing: what there is stays.
        source.unlink()
        daemon.send(signal.SIGHUP)
        daemon.wait_for("config.source_failed")
        daemon.wait_for("config.read", level="info")
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.end(), 0)
        self.assertNotIn(("reconfigure", "bus"), daemon.stages())

    def test_what_a_source_says_of_roles_and_limits_is_checked_as_well(self):
        source = pathlib.Path(self.directory.name, "source")
        for text in ("Lucius:Role=king", "Lucius:MaxAttempts=0"):
            source.write_text(text + "\n")
            done = run("--check-config", *STAGES, "--config-source=stage", "--stage-config-file",
                       str(source))
            self.assertEqual(done.returncode, 78, done.stderr)
            self.assertIn(text.split("=")[1], done.stderr)

    def test_a_config_source_that_is_none_is_a_configuration_fault(self):
        done = run("--check-config", *STAGES, "--config-source=nothing")
        self.assertEqual(done.returncode, 78)
        self.assertIn("there is no plugin 'config-nothing'", done.stderr)
        done = run("--check-config", *STAGES, "--config-source=stage",
                   LUCIUS_STAGE_CONFIG_WORD="wrong")
        self.assertEqual(done.returncode, 78)
        self.assertIn("config-stage cannot be used: the word is wrong", done.stderr)
        for status in ("denied", "unavailable"):
            daemon = Daemon("--config-source=stage", LUCIUS_STAGE_CONFIG_START=status)
            daemon.wait_for("config.option", level="error")
            daemon.send(signal.SIGTERM)  # it would linger for a while
            self.assertEqual(daemon.end(), 1)
            self.assertIn("options cannot be fetched from config-stage: as the option says",
                          str(daemon.lines))

    def test_a_config_source_that_cannot_be_read_ends_the_start(self):
        daemon = Daemon("--config-source=stage")
        daemon.wait_for("config.option", level="error")
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.end(), 1)
        self.assertIn("options cannot be fetched from config-stage", str(daemon.lines))


class ServiceManager(unittest.TestCase):
    """The other end of sd_notify(3)."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = os.path.join(self.directory.name, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(BOUND)
        self.addCleanup(self.socket.close)

    def message(self, without="WATCHDOG"):
        """The next one that is not of that name, as a dictionary."""
        while True:
            lines = self.socket.recv(4096).decode().splitlines()
            fields = dict(line.split("=", 1) for line in lines)
            if without not in fields:
                return fields

    def test_ready_reload_and_stop_are_told_in_turn(self):
        daemon = Daemon(NOTIFY_SOCKET=self.path)
        self.assertEqual(self.message()["READY"], "1")
        daemon.send(signal.SIGHUP)
        reloading = self.message()
        self.assertEqual(reloading["RELOADING"], "1")
        self.assertGreater(int(reloading["MONOTONIC_USEC"]), 0)
        self.assertEqual(self.message()["READY"], "1")
        daemon.send(signal.SIGTERM)
        self.assertEqual(self.message()["STOPPING"], "1")
        self.assertEqual(daemon.end(), 0)

    def test_a_start_that_fails_is_never_called_ready(self):
        daemon = Daemon(NOTIFY_SOCKET=self.path, LUCIUS_STAGE_BUS_LISTEN="denied")
        self.assertEqual(daemon.end(), 1)
        self.assertEqual(list(self.message()), ["STOPPING", "STATUS"])

    def test_the_watchdog_is_fed_from_ready_on(self):
        daemon = Daemon(NOTIFY_SOCKET=self.path, WATCHDOG_USEC="40000")
        self.assertIn("READY", self.message(without="none"))
        for _ in range(3):
            self.assertEqual(self.message(without="none"), {"WATCHDOG": "1"})
        daemon.send(signal.SIGTERM)
        self.assertEqual(daemon.end(), 0)

    def test_the_watchdog_of_another_process_is_not_fed(self):
        daemon = Daemon(NOTIFY_SOCKET=self.path, WATCHDOG_USEC="1000", WATCHDOG_PID="1")
        self.assertIn("READY", self.message(without="none"))
        daemon.send(signal.SIGTERM)
        self.assertIn("STOPPING", self.message(without="none"))
        self.assertEqual(daemon.end(), 0)

    def test_an_abstract_socket_serves_too(self):
        name = f"@lucius-notify-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind("\0" + name[1:])
            manager.settimeout(BOUND)
            daemon = Daemon(NOTIFY_SOCKET=name)
            self.assertIn(b"READY=1", manager.recv(4096))
            daemon.send(signal.SIGTERM)
            self.assertEqual(daemon.end(), 0)


class Commands(unittest.TestCase):
    def test_wrong_command_lines_have_status_2(self):
        for arguments in (["worker"], ["--role"], ["--version", "--help"], ["--describe"],
                          ["--describe", "nonsense"]):
            done = subprocess.run([BINARY, *arguments], capture_output=True, text=True,
                                  timeout=BOUND, check=False, env=clean_environment({}))
            self.assertEqual(done.returncode, 2, arguments)
            self.assertTrue(done.stderr.startswith("luciusd: "), done.stderr)

    def test_version_and_help_need_nothing(self):
        self.assertRegex(run("--version").stdout, r"^luciusd \d+\.\d+\.\d+, plugin ABI 1\.\d+\n$")
        self.assertIn("--check-config", run("--help").stdout)

    def test_wrong_options_have_status_78_and_a_sentence_each(self):
        done = run("--check-config", "--max-attempts=0", LUCIUS_LOG_LEVEL="loud")
        self.assertEqual(done.returncode, 78)
        self.assertIn("LUCIUS_MAX_ATTEMPTS: '0' from the command line (--max-attempts) is not "
                      "taken; accepted is a whole number of attempts from 1 to 1000", done.stderr)
        self.assertIn("LUCIUS_LOG_LEVEL: 'loud'", done.stderr)
        for role in ("bus,worker", "king", ","):
            self.assertEqual(run("--check-config", "--role", role).returncode, 78, role)

    def test_check_config_shows_values_origins_and_no_secret(self):
        done = run("--check-config", *STAGES, LUCIUS_INVOKER_TOKEN="s3cret",
                   LUCIUS_MAX_ATEMPTS="4")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("LUCIUS_MAX_ATTEMPTS = 3 (the default)", done.stdout)
        self.assertIn("LUCIUS_STORAGE_BACKEND = stage (the command line (--storage-backend))",
                      done.stdout)
        self.assertIn("LUCIUS_STAGE_BUS_WORD = hello (the default)", done.stdout)
        self.assertIn("LUCIUS_MAX_ATEMPTS is no option; is LUCIUS_MAX_ATTEMPTS meant?", done.stderr)
        self.assertNotIn("s3cret", done.stdout + done.stderr)

    def test_print_env_can_be_read_by_a_shell(self):
        value = "it's; $HOME `x`\n\"two\""
        done = run("--print-env", *STAGES, LUCIUS_INVOKER_TOKEN=value)
        self.assertEqual(done.returncode, 0, done.stderr)
        shell = subprocess.run(["sh", "-c", done.stdout + "printf %s \"$LUCIUS_INVOKER_TOKEN\""],
                               capture_output=True, text=True, timeout=BOUND, check=True)
        self.assertEqual(shell.stdout, value)

    def test_plugins_are_listed_and_described(self):
        done = run("--list-plugins")
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines()],
                         ["bus-stage", "config-stage", "storage-stage", "workflow-stage"])
        done = run("--describe", "bus-stage")
        self.assertIn("LUCIUS_STAGE_BUS_WORD", done.stdout)
        self.assertIn("Lucius:StageBusWord", done.stdout)
        self.assertIn("May change while running.", done.stdout)
        self.assertEqual(run("--describe", "bus-none").returncode, 1)
        self.assertIn("LUCIUS_ROLE", run("--describe", "core").stdout)

    def test_a_plugin_that_is_broken_is_told_beside_those_that_are_good(self):
        with tempfile.TemporaryDirectory() as directory:
            for name in os.listdir(PLUGINS):
                if name.endswith("-stage.so"):
                    os.symlink(os.path.abspath(os.path.join(PLUGINS, name)),
                               os.path.join(directory, name))
            broken = pathlib.Path(directory, "bus-broken.so")
            broken.write_text("no plugin")
            done = run("--plugins-dir", directory, "--list-plugins")
            self.assertEqual(done.returncode, 0)
            self.assertIn("bus-broken.so' cannot be loaded", done.stderr)
            self.assertIn("storage-stage 1 (ABI 1.", done.stdout)
            # Looked into for a name that nobody knows.
            done = run("--plugins-dir", directory, "--check-config", *STAGES, "--max-atempts=4")
            self.assertEqual(done.returncode, 78)
            self.assertIn("is --max-attempts meant?", done.stderr)
            done = run("--plugins-dir", directory, "--check-config", *STAGES,
                       "--bus-backend=broken")
            self.assertEqual(done.returncode, 78)
            self.assertIn("cannot be loaded", done.stderr)
        done = run("--plugins-dir", "/no/such/dir", "--list-plugins")
        self.assertEqual(done.returncode, 1)
        self.assertIn("should be the directory of plugins", done.stderr)
        done = run("--describe", "storage")
        self.assertEqual(done.returncode, 2)

    def test_plugins_with_wrong_options_are_told_once(self):
        for command in ("--check-config", "--print-env", "--provision"):
            done = run(command, *STAGES, LUCIUS_STAGE_BUS_WORD="wrong")
            self.assertEqual(done.returncode, 78 if command == "--provision" else 0, command)
        done = run("--provision", *STAGES, LUCIUS_STAGE_BUS_START="denied")
        self.assertEqual(done.returncode, 1)
        self.assertIn("bus-stage: start: as the option says (DENIED)", done.stderr)

    def test_wrong_options_of_the_daemon_itself_are_logged(self):
        daemon = Daemon("--config", "/no/such/file")
        self.assertEqual(daemon.end(), 78)
        self.assertIn("No such file", str(daemon.lines))

    def test_a_terminal_is_told_in_plain_words(self):
        master, slave = os.openpty()
        done = subprocess.run([BINARY, "--max-attempts=0"], stderr=slave, timeout=BOUND,
                              env=clean_environment({}), check=False)
        os.close(slave)
        said = os.read(master, 4096).decode()
        os.close(master)
        self.assertEqual(done.returncode, 78)
        self.assertTrue(said.startswith("luciusd: LUCIUS_MAX_ATTEMPTS: '0'"), said)

    def test_a_backend_that_is_not_there_is_a_sentence(self):
        done = run("--check-config", "--storage-backend=cloud")
        self.assertEqual(done.returncode, 78)
        self.assertIn("there is no plugin 'storage-cloud'", done.stderr)

    def test_provision_makes_all_lanes(self):
        done = run("--provision", *STAGES, LUCIUS_SERVICEBUS_LANES="3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("6 topics from global-bus-p0 to global-bus-replies-p2, "
                      "3 subscriptions lucius-invoker", done.stderr)

    def test_the_shipped_file_is_taken_with_every_line_in_force(self):
        shipped = pathlib.Path(__file__).parents[2] / "etc" / "lucius.conf"
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
            for line in shipped.read_text().splitlines():
                setting = line.lstrip().removeprefix("#")
                is_setting = line.lstrip().startswith("#") and "= " in setting and \
                    setting.endswith(";") and setting[0] != " "
                conf.write((setting if is_setting else line) + "\n")
            conf.flush()
            done = run("--check-config", *STAGES, "--config", conf.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"LUCIUS_MAX_ATTEMPTS = 3 \(.*\.conf:\d+\)")


class Health(unittest.TestCase):
    def ask(self, status):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status if self.path == "/readyz" else 404)
                self.send_header("Content-Length", "3")
                self.end_headers()
                self.wfile.write(b"why")

            def log_message(self, *arguments):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            return run("--health", LUCIUS_HTTP_LISTEN=f"0.0.0.0:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def test_ready_is_status_0(self):
        self.assertEqual(self.ask(200).returncode, 0)

    def test_not_ready_is_status_1_with_the_reason(self):
        done = self.ask(503)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not ready (503): why", done.stderr)

    def test_nobody_there_is_status_1(self):
        server = http.server.HTTPServer(("127.0.0.1", 0), None)
        port = server.server_port
        server.server_close()
        done = run("--health", "--role=worker", LUCIUS_HEALTH_LISTEN=f"127.0.0.1:{port}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not ready", done.stderr)


if __name__ == "__main__":
    BINARY, PLUGINS = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
