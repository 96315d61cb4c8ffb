# SPDX-License-Identifier: MIT
"""A CONNECT proxy that leads every name to one port, so that Azure's own host names can be used."""
import socket
import socketserver
import threading


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        target = self.rfile.readline().decode().split()[1]
        while self.rfile.readline().strip():
            pass
        self.server.targets.append(target)
        if self.server.refusal is not None:
            self.wfile.write(self.server.refusal)
            return
        with socket.create_connection(("127.0.0.1", self.server.port)) as peer:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            other = threading.Thread(target=pump, args=(peer, self.connection), daemon=True)
            other.start()
            pump(self.connection, peer)
            other.join()


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port):
        self.port = port
        self.targets = []
        self.refusal = None  # what is answered to everybody instead
        super().__init__(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stop(self):
        self.shutdown()
        self.server_close()
        self.thread.join()
