# SPDX-License-Identifier: MIT
"""What runs out is refused with a sentence, and the daemon goes on: descriptors, room on the disk,
the listener's backlog, and the patience with peers that read a byte a second."""
import os
import resource
import signal
import socket
import time

from world import BOUND, World, unittest

REQUEST = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"


def open_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Scarcity(World):
    def wait_until(self, what, is_so):
        end = time.monotonic() + BOUND
        while not is_so():
            self.assertLess(time.monotonic(), end, what)

    def connect(self, lucius, receive_bytes=None):
        peer = socket.socket()
        if receive_bytes is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        peer.settimeout(BOUND)
        self.addCleanup(peer.close)
        peer.connect(("127.0.0.1", lucius.port))
        return peer

    def test_daemon_without_descriptors_serves_again_when_there_are_some(self):
        lucius = self.start()
        self.assertEqual(lucius.orchestrate().status, 202)
        pid = lucius.child.pid
        most = open_descriptors(pid) + 4
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))
        peers = [self.connect(lucius) for _ in range(12)]
        for peer in peers:
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(peers[0].recv(100).startswith(b"HTTP/1.1 200"))
        lucius.wait_line("http.accept_failed")
        used = self.processor_seconds(pid)
        time_before = time.monotonic()
        self.wait_until("a second goes by", lambda: time.monotonic() > time_before + 1)
        self.assertLess(self.processor_seconds(pid) - used, 0.5, "it spins")
        for peer in peers:
            peer.close()
        self.assertEqual(lucius.orchestrate(input_ref="afterwards").status, 202)
        self.assertEqual(lucius.stop(), 0)

    @staticmethod
    def processor_seconds(pid):
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_full_disk_refuses_commands_and_loses_none(self):
        flag = os.path.join(self.folder, "full")
        lucius = self.start({
            "LUCIUS_STORAGE_BACKEND": "sqlite",
            "LUCIUS_SQLITE_FILE": os.path.join(self.folder, "jobs.db"),
            "LD_PRELOAD": os.environ["LUCIUS_TEST_FULL_DISK"],
            "LUCIUS_TEST_FULL": flag,
            "ASAN_OPTIONS": "verify_asan_link_order=0"})
        kept = lucius.orchestrate(input_ref="kept").json["jobId"]
        with open(flag, "w", encoding="ascii"):
            pass
        refused = lucius.orchestrate(input_ref="no room")
        self.assert_problem(refused, 503, "unavailable")
        self.assertIn("Retry-After", refused.headers)
        told = lucius.wait_line("api.backend_failed")
        self.assertIn("make room", told["message"])
        self.assertEqual(lucius.ask("GET", "/healthz").status, 200)
        self.assertEqual(lucius.ask("GET", "/readyz").status, 503)
        os.unlink(flag)
        self.wait_until("there is room again",
                        lambda: lucius.orchestrate(input_ref="again").status == 202)
        self.consume(lucius, "distributed-ocr", arguments=["--handler", "noop"])
        lucius.wait_state(kept, "SUCCEEDED")
        self.assertEqual(lucius.stop(), 0)

    def test_backlog_that_overflows_is_worked_off(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        lucius = self.start({"LUCIUS_HTTP_MAX_CONNECTIONS": "64"})
        port = lucius.port
        os.kill(lucius.child.pid, signal.SIGSTOP)
        peers = []
        for _ in range(min(hard, 8192) // 2):
            peer = socket.socket()
            peer.setblocking(False)
            self.addCleanup(peer.close)
            peer.connect_ex(("127.0.0.1", port))
            peers.append(peer)
        os.kill(lucius.child.pid, signal.SIGCONT)
        for peer in peers:
            peer.close()
        # Beyond the most connections it answers 503, until those that have gone are worked off.
        self.wait_until("the backlog is worked off",
                        lambda: lucius.ask("GET", "/healthz").status == 200)
        self.assertEqual(lucius.orchestrate().status, 202)
        self.assertEqual(lucius.stop(), 0)

    def test_peers_that_read_a_byte_a_second_hold_nobody_up(self):
        lucius = self.start({"LUCIUS_SHUTDOWN_SECONDS": "5"})
        peers = [self.connect(lucius, receive_bytes=1) for _ in range(50)]
        for peer in peers:
            peer.sendall(REQUEST * 4)
        self.assertTrue(all(peer.recv(1) == b"H" for peer in peers))
        began = time.monotonic()
        for i in range(20):
            self.assertEqual(lucius.orchestrate(input_ref=str(i)).status, 202)
        self.assertTrue(all(peer.recv(1) == b"T" for peer in peers))
        self.assertLess(time.monotonic() - began, BOUND / 2)
        self.assertEqual(lucius.stop(), 0)


if __name__ == "__main__":
    unittest.main()
