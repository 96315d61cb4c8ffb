# SPDX-License-Identifier: MIT
"""A running Lucius for tests: the real daemon and consumers as child processes, on free ports.

Nothing sleeps: tests wait for a log event, an HTTP answer or the end of a process, with a bound.
Paths come from the environment that the build sets (LUCIUS_TEST_*).
"""
import contextlib
import glob
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BOUND = 60  # seconds that anything may take; sanitizers on a busy machine are slow

LUCIUSD = os.environ["LUCIUS_TEST_LUCIUSD"]
CONSUMER = os.environ["LUCIUS_TEST_CONSUMER"]
PLUGINS = os.environ["LUCIUS_TEST_PLUGINS"]
SOURCE = os.environ["LUCIUS_TEST_SOURCE"]
SDK = os.environ.get("LUCIUS_TEST_SDK", "")
STORAGE = os.environ.get("LUCIUS_TEST_STORAGE", "memory")  # of daemons that name no other

EMULATOR = ("Endpoint=sb://localhost:{port};SharedAccessKeyName=RootManageSharedAccessKey;"
            "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;")


def clean_environment(extra):
    """The environment without what would configure Lucius by accident."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("LUCIUS_", "SERVICEBUS_"))}
    kept.update(extra)
    return kept


def secrets_of(environment):
    """What of these variables must never be seen in a log."""
    found = []
    for name, value in environment.items():
        if name.endswith("_CONNECTION"):
            found += re.findall(r"(?:AccessKey|AccountKey|Secret|Signature)=([^;]+)", value)
        elif name.endswith(("_TOKEN", "_SECRET", "_API_KEY", "BUS_KEY")):
            found.append(value)
    return [secret for secret in found if secret]


def children_of(pid):
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it may end meanwhile
            fields = pathlib.Path(path).read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            if int(fields[1]) == pid:
                found.append(int(path.split("/")[2]))
    return found


class Process:
    """A child whose standard error is JSON lines, read as they come."""

    def __init__(self, arguments, environment, echo=None, quiet=False):
        """Quiet: only the first lines are kept (for benchmarks, whose log is long)."""
        self.most_lines = 1000 if quiet else None
        self.lines = []
        self.raw = []
        self.secrets = secrets_of(environment)
        self.changed = threading.Condition()
        self.child = subprocess.Popen(arguments, env=clean_environment(environment),
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE)
        self.echo = echo if echo is not None else os.environ.get("LUCIUS_TEST_ECHO")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for raw in self.child.stderr:
            if self.most_lines is not None and len(self.raw) >= self.most_lines:
                # To read lines one by one would take a core from what is measured.
                while self.child.stderr.read1(1 << 20):
                    pass
                break
            text = raw.decode("utf-8", "replace").rstrip("\n")
            if self.echo:
                print(text, file=sys.stderr)
            try:
                line = json.loads(text)
            except ValueError:
                line = {"event": "", "text": text}
            with self.changed:
                self.raw.append(text)
                self.lines.append(line)
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def wait_line(self, event, bound=BOUND, after=0, **members):
        """The first line of that event with these members; fails when the process ends first."""
        end = time.monotonic() + bound
        with self.changed:
            while True:
                for line in self.lines[after:]:
                    if line.get("event") == event and all(
                            line.get(k) == v for k, v in members.items()):
                        return line
                left = end - time.monotonic()
                ended = self.child.poll() is not None and not self.reader.is_alive()
                if left <= 0 or ended:
                    raise AssertionError(
                        f"no line '{event}' {members}"
                        f"{f' before its end ({self.child.poll()})' if ended else f' within {bound} s'}; the last:\n"
                        + "\n".join(self.raw[-30:]))
                self.changed.wait(min(left, 1))

    def events(self, event):
        with self.changed:
            return [line for line in self.lines if line.get("event") == event]

    def signal(self, number):
        self.child.send_signal(number)

    def wait_end(self, bound=BOUND):
        status = self.child.wait(bound)
        self.reader.join(bound)
        self.child.stderr.close()
        return status

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
        self.wait_end()

    def stop(self, bound=BOUND):
        """SIGTERM, and the exit status."""
        if self.child.poll() is None:
            self.child.terminate()
        try:
            return self.wait_end(bound)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("did not stop within its bound; the last lines:\n"
                                 + "\n".join(self.raw[-30:]))


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Lucius(Process):
    """luciusd with all roles, on ports of its own."""

    def __init__(self, environment=None, arguments=(), quiet=False):
        settings = {
            "LUCIUS_HTTP_LISTEN": "127.0.0.1:0",
            "LUCIUS_INVOKER_LISTEN": "127.0.0.1:0",
            "LUCIUS_BUS_LISTEN": "127.0.0.1:0",
            "LUCIUS_LOG_FORMAT": "json",
        }
        settings.update(environment or {})
        super().__init__([LUCIUSD, "--plugins-dir", PLUGINS, *arguments], settings, quiet=quiet)
        self._port = None
        self._bus_port = None

    def wait_ready(self):
        self.wait_line("daemon.ready")
        return self

    @property
    def port(self):
        if self._port is None:
            self._port = self.wait_line("http.listening", api="public")["port"]
        return self._port

    @property
    def invoker_port(self):
        return self.wait_line("http.listening", api="internal")["port"]

    @property
    def bus_port(self):
        if self._bus_port is None:
            sentence = self.wait_line("bus.listening")["message"]
            self._bus_port = int(re.search(r"port (\d+)", sentence)[1])
        return self._bus_port

    @property
    def connection(self):
        return EMULATOR.format(port=self.bus_port)

    def ask(self, method, path, body=None, headers=None, port=None, bound=BOUND):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=bound)
        try:
            sent = {"Content-Type": "application/json"} if body is not None else {}
            sent.update(headers or {})
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            if isinstance(body, str):
                body = body.encode()
            connection.request(method, path, body, sent)
            reply = connection.getresponse()
            answer = Answer(reply.status, dict(reply.getheaders()), reply.read())
            for secret in self.secrets:
                if secret.encode() in answer.body or secret in str(answer.headers):
                    raise AssertionError("a secret in an answer")
            return answer
        finally:
            connection.close()

    def orchestrate(self, **members):
        return self.ask("POST", "/v1/orchestrate", envelope(**members))

    def job(self, job_id, tenant="t1"):
        return self.ask("GET", f"/v1/jobs/{job_id}?tenant_id={tenant}").json

    def wait_state(self, job_id, *states, bound=BOUND, tenant="t1"):
        """The job once it is in one of these states (polled over HTTP, as a client would; a storage that
        does not answer for a moment is asked again)."""
        end = time.monotonic() + bound
        pause = threading.Event()
        while True:
            whole = self.job(job_id, tenant)
            state = whole["job"]["state"] if whole.get("status") != 503 else None
            if state in states:
                return whole
            is_over = state in ("SUCCEEDED", "FAILED_FINAL", "CANCELLED")
            if is_over or time.monotonic() > end:
                raise AssertionError(
                    f"not {states} within {bound} s: {json.dumps(whole, indent=1)}\n"
                    + "\n".join(self.raw[-30:]))
            pause.wait(0.02)


class Consumer(Process):
    """lucius-consumer on all lanes of a Lucius."""

    def __init__(self, lucius, subscription, handler, environment=None, arguments=()):
        settings = {
            "SERVICEBUS_CONNECTION": lucius.connection,
            "SERVICEBUS_TOPIC": "global-bus-p0..15",
            "SERVICEBUS_SUBSCRIPTION": subscription,
            "LUCIUS_LOG_FORMAT": "json",
        }
        settings.update(environment or {})
        tail = ["--", *handler] if handler else []
        super().__init__([CONSUMER, *arguments, *tail], settings)

    def kill(self):
        """Its handlers too, which nobody else would stop: each leads a group of its own. While it stands
        still it starts no other."""
        groups = []
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            groups = children_of(self.child.pid)
        super().kill()
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def envelope(**members):
    made = {"tenant_id": "t1", "request_type": "OCR", "input_ref": "in", "output_ref": "out",
            "payload": {}, "schema_version": "v1"}
    made.update(members)
    return {k: v for k, v in made.items() if v is not ...}


class World(unittest.TestCase):
    """Starts things and stops them all, whatever happens."""

    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lucius-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def storage_settings(self):
        """What makes a daemon keep its jobs as LUCIUS_TEST_STORAGE says, for this test alone."""
        if STORAGE == "memory":
            return {}
        if STORAGE == "sqlite":
            return {"LUCIUS_STORAGE_BACKEND": STORAGE,
                    "LUCIUS_SQLITE_FILE": os.path.join(self.folder, "jobs.db")}
        import tables_world  # pylint: disable=import-outside-toplevel
        return tables_world.table_settings(STORAGE, tables_world.shared_azurite().connection,
                                           os.path.basename(self.folder).translate(
                                               str.maketrans("_", "x", "-")))

    def start(self, environment=None, arguments=(), ready=True):
        settings = {**self.storage_settings(), **(environment or {})}
        lucius = Lucius(settings, arguments)
        self.addCleanup(self._end, lucius)
        if ready:
            lucius.wait_ready()
        return lucius

    def consume(self, lucius, subscription, handler=None, environment=None, arguments=()):
        consumer = Consumer(lucius, subscription, handler, environment, arguments)
        self.addCleanup(self._end, consumer)
        return consumer

    def run_program(self, arguments, environment=None):
        child = subprocess.Popen(arguments, env=clean_environment(environment or {}),
                                 stdin=subprocess.DEVNULL)
        self.addCleanup(self._end_child, child)
        return child

    def script(self, name, text):
        """An executable shell script in the test's folder."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def _end(self, process):
        process.kill()
        reports = [line for line in process.raw if "ERROR: AddressSanitizer" in line
                   or "runtime error:" in line or "LeakSanitizer" in line]
        self.assertEqual(reports, [], "\n".join(process.raw[-80:]))
        for secret in process.secrets:
            self.assertNotIn(secret, "\n".join(process.raw), "a secret in the log")

    @staticmethod
    def _end_child(child):
        if child.poll() is None:
            child.kill()
        child.wait(BOUND)

    def assert_problem(self, answer, status, name, words=""):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        problem = answer.json
        self.assertEqual(problem["type"], "urn:lucius:problem:" + name)
        self.assertEqual(problem["status"], status)
        self.assertIsInstance(problem["detail"], str)
        self.assertIn(words, json.dumps(problem, ensure_ascii=False))
        return problem


__all__ = ["World", "Lucius", "Consumer", "Process", "envelope", "signal", "unittest", "BOUND",
           "SOURCE", "SDK", "STORAGE", "PLUGINS", "LUCIUSD", "EMULATOR", "clean_environment"]
