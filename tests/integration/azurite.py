# SPDX-License-Identifier: MIT
"""Azurite's table service for a test: in memory, on a free port, gone when the test ends.

As a program it runs another one beside it and passes its exit status on; in the arguments
`{azurite}` stands for the connection string. Without arguments it is a fixture of a conformance
suite (sdk/conformance/fixture.h).
    azurite.py [PROGRAM ARGUMENT…]
The folder that scripts/install-azurite filled comes from LUCIUS_TEST_AZURITE.
"""
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ACCOUNT = "devstoreaccount1"
KEY = ("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==")
BOUND = 60  # seconds until it listens
TRIES = 5  # ports that another process may take first


def connection_string(port, key=KEY, account=ACCOUNT):
    """How a client comes to the table service at that port (or to a proxy before it)."""
    return (f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};"
            f"TableEndpoint=http://127.0.0.1:{port}/{account};")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Azurite:
    """A running service. Kill and start again to see a client lose it: memory is then empty."""

    def __init__(self, port=None):
        folder = os.environ["LUCIUS_TEST_AZURITE"]
        self.program = os.path.join(folder, "node_modules", ".bin", "azurite-table")
        self.folder = tempfile.mkdtemp(prefix="lucius-azurite-")
        self.child = None
        for _ in range(TRIES):
            self.port = port or _free_port()
            if self._run():
                return
        self.stop()
        raise AssertionError(f"{self.program} does not start:\n{self._log()}")

    def _log(self):
        try:
            with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return "(it left no word)"

    def _run(self):
        with open(os.path.join(self.folder, "log"), "w", encoding="utf-8") as log:
            self.child = subprocess.Popen(
                [self.program, "--inMemoryPersistence", "--disableTelemetry", "--silent",
                 "--tablePort", str(self.port)],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        end = time.monotonic() + BOUND
        pause = threading.Event()
        while self.child.poll() is None and time.monotonic() < end:
            if self._answers():
                return True
            pause.wait(0.05)
        self._end_child()
        return False

    def _answers(self):
        """An Azurite, not somebody who has taken the port: it names itself."""
        probe = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            probe.request("GET", f"/{ACCOUNT}/Tables")
            return "Azurite" in (probe.getresponse().getheader("Server") or "")
        except (OSError, http.client.HTTPException):
            return False
        finally:
            probe.close()

    def _end_child(self):
        if self.child is not None and self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(BOUND)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait(BOUND)

    @property
    def connection(self):
        return connection_string(self.port)

    def stop(self):
        self._end_child()
        shutil.rmtree(self.folder, ignore_errors=True)


def be_fixture(azurite):
    """Says where it is, and lives until its standard input closes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"table-connection={azurite.connection}\nready", flush=True)
    for _ in sys.stdin:
        print("unknown", flush=True)


def main(arguments):
    azurite = Azurite()
    try:
        if not arguments:
            be_fixture(azurite)
            return 0
        filled = [argument.replace("{azurite}", azurite.connection) for argument in arguments]
        return subprocess.run(filled, check=False).returncode
    finally:
        azurite.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
