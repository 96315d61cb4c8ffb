# SPDX-License-Identifier: MIT
"""Temporal's dev server for tests: on a free port, fast, in memory or on a database file.

By hand, `python3 temporal_server.py` runs one and prints its address until it is interrupted.
"""
import json
import os
import socket
import subprocess
import sys
import threading
import time

BOUND = 60  # seconds until it answers, on a busy machine
TEMPORAL = os.environ.get("LUCIUS_TEST_TEMPORAL", "temporal")

# A task leaves the queue of the one shard at once instead of on a tick of 50 ms, and no task has to
# find the partition that has a poller: a workflow of two steps takes 36 ms instead of 450. The rates
# are those of a production server, not of one that is being tried out.
FAST = {
    "history.transferProcessorMaxPollRPS": 2000,
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    "frontend.namespaceRPS": 100000,
    "frontend.rps": 100000,
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def aged(seconds):
    """Settings under which the server says GOAWAY to each connection after that time."""
    return {"frontend.keepAliveMaxConnectionAge": f"{seconds}s",
            "frontend.keepAliveMaxConnectionAgeGrace": "5s"}


def _frame(kind, flags, stream, payload):
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags])
            + stream.to_bytes(4, "big") + payload)


def _header(name, value):
    """A literal header without indexing or compression (RFC 7541 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def is_serving(port, bound):
    """Whether the gRPC health check on that port says SERVING, over a hand-written HTTP/2."""
    headers = b"".join(_header(n, v) for n, v in (
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/grpc.health.v1.Health/Check"),
        (b":authority", b"localhost"), (b"content-type", b"application/grpc"), (b"te", b"trailers")))
    call = (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, b"") + _frame(1, 4, 1, headers)
            + _frame(0, 1, 1, b"\0\0\0\0\0"))
    serving = _frame(0, 0, 1, b"\0\0\0\0\x02\x08\x01")
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", port), bound) as connection:
            connection.settimeout(bound)
            connection.sendall(call)
            while serving not in received:
                piece = connection.recv(65536)
                if not piece:
                    return False
                received += piece
    except OSError:
        return False
    return True


class TemporalServer:
    """One server. With a database file it can be stopped, killed and started again, on its port."""

    def __init__(self, folder, database=None, settings=None, search_attributes=None):
        self.folder = folder
        self.database = database
        self.settings = {**FAST, **(settings or {})}
        self.search_attributes = search_attributes or {}
        self.child = None
        self.port = None
        self.log_path = os.path.join(folder, "temporal-server.log")

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        """Returns once it answers. Another process may take the port that was free: then again."""
        is_first = self.port is None
        for _ in range(5):
            if is_first:
                self.port = free_port()
            if self._start_once():
                return self
        raise AssertionError("the Temporal server does not start:\n" + self.log()[-4000:])

    def _start_once(self):
        arguments = ["server", "start-dev", "--headless", "--log-level", "warn",
                     "--ip", "127.0.0.1", "--port", str(self.port)]
        if self.database is not None:
            arguments += ["--db-filename", self.database]
        for name, value in self.settings.items():
            arguments += ["--dynamic-config-value", f"{name}={json.dumps(value)}"]
        for name, kind in self.search_attributes.items():
            arguments += ["--search-attribute", f"{name}={kind}"]
        with open(self.log_path, "ab") as log:
            # It goes with the test, however that ends.
            self.child = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", TEMPORAL, *arguments],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + BOUND
        pause = threading.Event()
        while time.monotonic() < end:
            if is_serving(self.port, 5):
                return True
            if self.child.poll() is not None:
                return False
            pause.wait(0.02)
        self.kill()
        return False

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def kill(self):
        """As a crash would: nothing more is written. In memory, all is gone."""
        if self.child is not None:
            if self.child.poll() is None:
                self.child.kill()
            self.child.wait(BOUND)
            self.child = None

    def stop(self):
        """SIGTERM; takes some three seconds."""
        if self.child is not None:
            self.child.terminate()
            try:
                self.child.wait(BOUND)
            finally:
                self.kill()

    def cli(self, *arguments, namespace="default", bound=BOUND):
        """What `temporal ARGUMENTS…` prints; fails if it fails."""
        done = subprocess.run(
            [TEMPORAL, *arguments, "--address", self.address, "--namespace", namespace],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=bound, check=False)
        if done.returncode != 0:
            raise AssertionError(f"temporal {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def cli_json(self, *arguments, **more):
        return json.loads(self.cli(*arguments, "--output", "json", **more))


def main():
    import tempfile
    with tempfile.TemporaryDirectory(prefix="lucius-temporal-") as folder:
        server = TemporalServer(folder).start()
        print(server.address, flush=True)
        try:
            server.child.wait()
        except KeyboardInterrupt:
            server.kill()


if __name__ == "__main__":
    sys.exit(main())
