# SPDX-License-Identifier: MIT
"""A proxy before an HTTP service that fails by rate and seed, in the ways in which a network and a busy
service do: what a client is not told, what it is told wrongly, and what comes late."""
import random
import socket
import struct
import threading
import time

BUSY = "busy"  # 503 with Retry-After, nothing done
FAILED_AFTER = "failed after"  # done, then 500
RESET_BEFORE = "reset before"  # nothing done
RESET_AFTER = "reset after"  # done
STALL = "stall"  # done after STALL_SECONDS
LATE = "late"  # reset at once, done a while after the client has given up
CUT = "cut"  # done, and the answer breaks off in its middle
KINDS = (BUSY, FAILED_AFTER, RESET_BEFORE, RESET_AFTER, STALL, LATE, CUT)
STALL_SECONDS = 5
LATE_SECONDS = 0.5
IDLE_SECONDS = 2  # a kept connection is not used after that: the service closes it at 5


class _Ended(Exception):
    """The peer has closed."""


def _read_message(file, is_bodiless=False):
    """(first line, all of its bytes up to the blank line, the body's bytes as they came)."""
    first = file.readline()
    if not first:
        raise _Ended()
    head, size, is_chunked = [first], 0, False
    while True:
        line = file.readline()
        if not line:
            raise _Ended()
        head.append(line)
        if line in (b"\r\n", b"\n"):
            break
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
        is_chunked = is_chunked or (name.lower() == b"transfer-encoding" and b"chunked" in value)
    body = b"" if is_bodiless else _read_chunks(file) if is_chunked else file.read(size)
    return first, b"".join(head), body


def _read_chunks(file):
    found = []
    while True:
        line = file.readline()
        size = int(line.split(b";")[0], 16)
        found += [line, file.read(size + 2)]
        if size == 0:
            return b"".join(found)


class _Server:
    """The connection to the service behind one client's connection."""

    def __init__(self, port):
        self.port = port
        self.socket = None
        self.used = 0

    def carry_out(self, request):
        """(first line, head, body) of the answer."""
        if self.socket is None or time.monotonic() - self.used > IDLE_SECONDS:
            self.close()
            self.socket = socket.create_connection(("127.0.0.1", self.port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.file = self.socket.makefile("rb")
        self.socket.sendall(request)
        first, head, body = _read_message(self.file)
        self.used = time.monotonic()
        return first, head, body

    def close(self):
        if self.socket is not None:
            self.file.close()
            self.socket.close()
            self.socket = None


def _answer(status, code, headers=""):
    body = f'{{"odata.error":{{"code":"{code}","message":{{"value":"{code}"}}}}}}'
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nx-ms-error-code: {code}\r\n"
            f"{headers}Content-Length: {len(body)}\r\n\r\n{body}").encode()


def _reset(client):
    """Closes so that the peer sees a reset, not an end."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise _Ended()


class FaultProxy:
    """Listens on a free port. `rates` maps kinds of faults to shares of the requests; assign it at any
    time. `counts` says how often each was made."""

    def __init__(self, target_port, rates=None, seed=0):
        self.target_port = target_port
        self.rates = dict(rates or {})
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.drawn = threading.Condition(self.lock)
        self.counts = dict.fromkeys(KINDS, 0)
        self.n_requests = 0
        self.clients = set()
        self.port = 0
        self.listener = None
        self.is_stopped = threading.Event()
        self.open()

    def open(self):
        """Listens, again on the port that it had before."""
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(128)
        self.acceptor = threading.Thread(target=self._accept, args=(self.listener,), daemon=True)
        self.acceptor.start()

    def close(self):
        """Nobody gets a connection any more, and those that are there end."""
        if self.listener is None:
            return
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.listener = None
        self.acceptor.join()
        with self.lock:
            clients = list(self.clients)
        for client in clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.is_stopped.set()
        self.close()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = _Server(self.target_port)
        with self.lock:
            self.clients.add(client)
        try:
            with client, client.makefile("rb") as file:
                while True:
                    _, head, body = _read_message(file)
                    self._handle(client, server, head + body)
        except (_Ended, OSError, ValueError):
            pass
        finally:
            server.close()
            with self.lock:
                self.clients.discard(client)

    def wait_counts(self, wanted, bound=60):
        """Until each kind has been made so often."""
        with self.lock:
            if not self.drawn.wait_for(
                    lambda: all(self.counts[kind] >= n for kind, n in wanted.items()), bound):
                raise AssertionError(f"{self.counts} within {bound} s instead of {wanted}")

    def draw(self):
        """A kind of fault, or None."""
        with self.lock:
            self.n_requests += 1
            chance = self.random.random()
            for kind, share in self.rates.items():
                if chance < share:
                    self.counts[kind] += 1
                    self.drawn.notify_all()
                    return kind
                chance -= share
        return None

    def _handle(self, client, server, request):
        kind = self.draw()
        if kind == BUSY:
            client.sendall(_answer("503 Server Busy", "ServerBusy", "Retry-After: 1\r\n"))
            return
        if kind == RESET_BEFORE:
            _reset(client)
        if kind == LATE:
            threading.Thread(target=self._carry_out_late, args=(request,), daemon=True).start()
            _reset(client)
        if kind == STALL:
            self.is_stopped.wait(STALL_SECONDS)
        _, head, body = server.carry_out(request)
        if kind == RESET_AFTER:
            _reset(client)
        if kind == FAILED_AFTER:
            client.sendall(_answer("500 Internal Server Error", "OperationTimedOut"))
        elif kind == CUT:
            whole = head + body
            client.sendall(whole[:max(len(head) // 2, len(whole) - len(body) // 2 - 20)])
            raise _Ended()
        else:
            client.sendall(head + body)

    def _carry_out_late(self, request):
        self.is_stopped.wait(LATE_SECONDS)
        server = _Server(self.target_port)
        try:
            server.carry_out(request)
        except (_Ended, OSError, ValueError):
            pass
        finally:
            server.close()
