# SPDX-License-Identifier: MIT
"""AMQP 1.0 by hand, as far as a peer needs it that wants to misbehave: no library would let it."""
import socket
import struct

KEY = b"\x00RootManageSharedAccessKey\x00SAS_KEY_VALUE"
OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, END, CLOSE = range(0x10, 0x19)


def null():
    return b"\x40"


def uint(number):
    return b"\x70" + struct.pack(">I", number)


def ubyte(number):
    return b"\x50" + bytes([number])


def flag(value):
    return b"\x41" if value else b"\x42"


def text(value):
    raw = value.encode()
    return b"\xb1" + struct.pack(">I", len(raw)) + raw


def symbol(value):
    return b"\xa3" + bytes([len(value)]) + value.encode()


def binary(value):
    return b"\xb0" + struct.pack(">I", len(value)) + value


def items(*values):
    body = b"".join(values)
    return b"\xd0" + struct.pack(">II", len(body) + 4, len(values)) + body


def described(code, value):
    return b"\x00\x53" + bytes([code]) + value


def frame(channel, body, kind=0):
    return struct.pack(">IBBH", len(body) + 8, 2, kind, channel) + body


def message(body):
    return described(0x75, binary(body))


class Peer:
    """A connection that has proved the key, with one session, until told otherwise."""

    def __init__(self, port, greets=True):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.left = b""
        if greets:
            self.greet()

    def greet(self):
        self.send(b"AMQP\x03\x01\x00\x00")
        self.take(8)
        self.frame()
        self.send(frame(0, described(0x41, items(symbol("PLAIN"), binary(KEY))), 1))
        self.frame()
        self.send(b"AMQP\x00\x01\x00\x00")
        self.take(8)
        self.perform(OPEN, text("wire"), text("localhost"))
        self.perform(BEGIN, null(), uint(0), uint(1 << 20), uint(1 << 20))
        self.expect(BEGIN)

    def send(self, data):
        self.socket.sendall(data)

    def perform(self, code, *values, channel=0, payload=b""):
        self.send(frame(channel, described(code, items(*values)) + payload))

    def take(self, size):
        while len(self.left) < size:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the other end has closed")
            self.left += more
        taken, self.left = self.left[:size], self.left[size:]
        return taken

    def frame(self):
        size = struct.unpack(">I", self.take(4))[0]
        return self.take(size - 4)

    def expect(self, code):
        """The next frame of that kind; others are passed over."""
        while True:
            body = self.frame()
            if body[4:7] == b"\x00\x53" + bytes([code]):
                return body

    def attach(self, handle, address, receives=False, name=None):
        source = described(0x28, items(text(address) if receives else null()))
        target = described(0x29, items(null() if receives else text(address)))
        more = [] if receives else [null(), null(), uint(0)]
        self.perform(ATTACH, text(name or f"link-{handle}"), uint(handle), flag(receives),
                     null(), null(), source, target, *more)

    def flow(self, handle, credit, delivery_count=0):
        self.perform(FLOW, uint(0), uint(1 << 20), uint(0), uint(1 << 20), uint(handle),
                     uint(delivery_count), uint(credit))

    def transfer(self, handle, number, payload, more=False):
        self.perform(TRANSFER, uint(handle), uint(number), binary(struct.pack(">I", number)),
                     uint(0), flag(False), flag(more), payload=payload)

    def close(self):
        self.socket.close()
