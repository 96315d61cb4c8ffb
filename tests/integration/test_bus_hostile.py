# SPDX-License-Identifier: MIT
"""Peers that want to break the bus: it neither crashes nor grows past its limits, and serves others."""
import random
import socket
import struct

import amqp_wire as wire
from amqp_wire import Peer
from world import World, unittest

MIB = 1 << 20
TOTAL_MIB = 8
# What may come on top of the limits: buffers of sockets, red zones and bookkeeping of sanitizers.
ROOM_MIB = 24


class Hostile(World):
    def setUp(self):
        super().setUp()
        self.bus = self.start({
            "LUCIUS_HEALTH_LISTEN": "127.0.0.1:0", "LUCIUS_BUS_MAX_CONNECTIONS": "60",
            "LUCIUS_BUS_MAX_LINKS": "100", "LUCIUS_BUS_MAX_MESSAGE_BYTES": "65536",
            "LUCIUS_BUS_TOTAL_BYTES": str(TOTAL_MIB * MIB),
            # Freed memory that a sanitizer keeps back is not the bus's.
            "ASAN_OPTIONS": "quarantine_size_mb=4:thread_local_quarantine_size_kb=64",
        }, ["--role", "bus"])
        self.port = self.bus.bus_port
        self.talk()
        self.before = self.rss()

    def rss(self):
        with open(f"/proc/{self.bus.child.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096 // MIB

    def talk(self):
        """An ordinary peer sends, and gets its answer."""
        peer = Peer(self.port)
        peer.attach(0, "global-bus-replies-p1")
        peer.expect(wire.FLOW)
        peer.transfer(0, 0, wire.message(b"hello"))
        answer = peer.expect(wire.DISPOSITION)
        self.assertIn(b"\x00\x53\x24", answer)
        peer.close()

    def check(self):
        """Alive, of bounded size, and of use to others."""
        self.assertIsNone(self.bus.child.poll(), "\n".join(self.bus.raw[-40:]))
        self.talk()
        grown = self.rss() - self.before
        self.assertLess(grown, TOTAL_MIB + ROOM_MIB, f"it has grown by {grown} MiB")

    def ends(self, peer):
        """The other end has closed, with or without a word."""
        try:
            while peer.socket.recv(65536):
                pass
        except ConnectionError:
            pass
        peer.close()
        return True

    def test_bytes_that_are_no_amqp_end_their_connection_only(self):
        chance = random.Random(1)
        openings = [b"", b"AMQP", b"AMQP\x03\x01\x00\x00", b"AMQP\x00\x01\x00\x00",
                    b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00"]
        for i in range(200):
            peer = Peer(self.port, greets=False)
            try:
                peer.send(openings[i % len(openings)] + chance.randbytes(chance.randrange(2000)))
                peer.socket.shutdown(socket.SHUT_WR)
            except ConnectionError:
                pass
            self.assertTrue(self.ends(peer))
        self.check()

    def test_noise_after_a_good_beginning_ends_the_connection_only(self):
        chance = random.Random(2)
        for _ in range(100):
            peer = Peer(self.port)
            body = b"\x00\x53" + bytes([chance.randrange(0x10, 0x19)]) + chance.randbytes(60)
            try:
                peer.send(wire.frame(chance.choice([0, 0, 1, 65535]), body))
                peer.socket.shutdown(socket.SHUT_WR)
            except ConnectionError:
                pass
            self.assertTrue(self.ends(peer))
        self.check()

    def test_sizes_beyond_reason_are_not_waited_for(self):
        for size in (0, 4, 7, 0x00100000, 0x7FFFFFFF, 0xFFFFFFFF):
            peer = Peer(self.port)
            try:
                peer.send(struct.pack(">IBBH", size, 2, 0, 0) + b"x" * 100000)
            except ConnectionError:
                pass
            self.assertTrue(self.ends(peer))
        self.check()

    def test_half_frames_are_held_by_the_limit_of_connections(self):
        held = []
        for _ in range(100):
            peer = Peer(self.port, greets=False)
            try:
                peer.send(b"AMQP\x03\x01\x00\x00\x00\x00\x04\x00\x02\x01")
            except ConnectionError:
                pass
            held.append(peer)
        self.bus.wait_line("bus.refused")
        # Those over the limit are told so, a few at a time; the others hear nothing at all.
        for peer in held[-10:]:
            self.assertTrue(self.ends(peer))
        for peer in held:
            peer.close()
        # Their places are free once the bus has seen it.
        for _ in range(1000):
            try:
                self.check()
                return
            except (ConnectionError, TimeoutError):
                pass
        self.check()

    def test_a_thousand_links_get_as_many_as_are_allowed(self):
        peer = Peer(self.port)
        for i in range(1000):
            peer.attach(i, "global-bus-p2", name=f"many-{i}")
        refused = 0
        for _ in range(900):
            refused += b"amqp:resource-limit-exceeded" in peer.expect(wire.DETACH)
        self.assertEqual(refused, 900)
        self.check()
        peer.close()

    def test_thousands_of_sessions_end_at_the_channel_that_was_agreed(self):
        peer = Peer(self.port)
        try:
            for channel in range(1, 3000):
                peer.perform(wire.BEGIN, wire.null(), wire.uint(0), wire.uint(10), wire.uint(10),
                             channel=channel)
        except ConnectionError:
            pass
        self.assertTrue(self.ends(peer))
        self.check()

    def test_message_that_never_ends_is_thrown_away_as_it_comes(self):
        peer = Peer(self.port)
        peer.attach(0, "global-bus-replies-p2")
        peer.expect(wire.FLOW)
        piece = b"\x00\x53\x75\xb0\x7f\xff\xff\xff" + b"x" * 60000
        for i in range(1000):
            peer.transfer(0, 0, piece if i == 0 else b"x" * 60000, more=i < 999)
        self.assertIn(b"amqp:link:message-size-exceeded", peer.expect(wire.DISPOSITION))
        self.check()
        peer.close()

    def test_queue_that_nobody_reads_is_full_at_its_limit(self):
        peer = Peer(self.port)
        peer.attach(0, "global-bus-replies-p3")
        peer.expect(wire.FLOW)
        body = wire.message(b"x" * 60000)
        refused = 0
        for i in range(400):
            peer.transfer(0, i, body)
            refused += b"amqp:resource-limit-exceeded" in peer.expect(wire.DISPOSITION)
        self.assertGreater(refused, 400 - TOTAL_MIB * MIB // 60000 - 5)
        self.assertLess(refused, 400)
        peer.close()
        grown = self.rss() - self.before
        self.assertLess(grown, TOTAL_MIB + ROOM_MIB, f"it has grown by {grown} MiB")

    def test_endless_credit_without_reading_holds_no_more_than_a_buffer(self):
        reader = Peer(self.port)
        reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        address = "global-bus-replies-p4/Subscriptions/lucius-invoker"
        for handle in range(50):
            reader.attach(handle, address, receives=True)
            reader.flow(handle, 0xFFFFFFFF)
        peer = Peer(self.port)
        peer.attach(0, "global-bus-replies-p4")
        peer.expect(wire.FLOW)
        for i in range(100):
            peer.transfer(0, i, wire.message(b"x" * 60000))
            peer.expect(wire.DISPOSITION)
        self.check()
        peer.close()
        reader.close()

    def test_flood_of_flows_and_requests_without_a_reader_of_replies_ends_bounded(self):
        peer = Peer(self.port)
        peer.attach(0, "$cbs")
        peer.attach(1, "$cbs", receives=True)
        request = (wire.described(0x74, b"\xd1\x00\x00\x00\x04\x00\x00\x00\x00")
                   + wire.described(0x77, wire.text("token")))
        try:
            for i in range(5000):
                peer.transfer(0, i, request)
                peer.flow(1, 0)
        except ConnectionError:
            pass
        peer.close()
        self.check()


if __name__ == "__main__":
    unittest.main()
