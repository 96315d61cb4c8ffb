# SPDX-License-Identifier: MIT
"""Temporal over TLS: a front that asks for a client's certificate passes the bytes to the dev server.

HTTP/2 in the clear with prior knowledge is what is left of it when TLS is taken off.
"""
import os
import socket
import ssl
import subprocess
import threading

from temporal_world import TemporalWorld, unittest


def make_certificate(folder, name, subject, issuer=None):
    """A key and a certificate: an authority's, or (with one) a peer's on this machine."""
    key, certificate = (os.path.join(folder, name + end) for end in (".key", ".pem"))
    signed_by = ["-CA", issuer + ".pem", "-CAkey", issuer + ".key"] if issuer else []
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", subject,
                    "-addext", "subjectAltName=DNS:temporal.test", "-keyout", key, "-out",
                    certificate, *signed_by], check=True, capture_output=True)
    return os.path.join(folder, name)


def pass_on(source, target):
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Front:
    """Takes TLS off; what it has seen of its clients is kept."""

    def __init__(self, port, certificate, authority):
        self.port_behind = port
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate + ".pem", certificate + ".key")
        self.context.load_verify_locations(authority + ".pem")
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.set_alpn_protocols(["h2"])
        self.names = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        try:
            client = self.context.wrap_socket(plain, server_side=True)
            subject = client.getpeercert()["subject"]
            self.names.append(dict(pair[0] for pair in subject)["commonName"])
            server = socket.create_connection(("127.0.0.1", self.port_behind))
        except OSError:
            plain.close()
            return
        with client, server:
            back = threading.Thread(target=pass_on, args=(server, client), daemon=True)
            back.start()
            pass_on(client, server)
            back.join()


class Tls(TemporalWorld):
    def setUp(self):
        super().setUp()
        self.authority = make_certificate(self.folder, "ca", "/CN=the authority")
        self.stranger = make_certificate(self.folder, "other", "/CN=another authority")
        server = make_certificate(self.folder, "server", "/CN=front", self.authority)
        self.client = make_certificate(self.folder, "client", "/CN=lucius-test", self.authority)
        self.front = Front(self.server.port, server, self.authority)
        self.addCleanup(self.front.listener.close)

    def tls(self, **more):
        return self.temporal(**{
            "LUCIUS_TEMPORAL_ADDRESS": self.front.address,
            "LUCIUS_TEMPORAL_TLS": "true",
            "LUCIUS_TEMPORAL_TLS_CA": self.authority + ".pem",
            "LUCIUS_TEMPORAL_TLS_CERT": self.client + ".pem",
            "LUCIUS_TEMPORAL_TLS_KEY": self.client + ".key",
            "LUCIUS_TEMPORAL_TLS_SERVER_NAME": "temporal.test",
            "LUCIUS_TEMPORAL_API_KEY": "a-key-that-nobody-sees", **more})

    def why_not_ready(self, **more):
        lucius = self.start(self.tls(**more))
        answer = self.wait_until(
            lambda: (lambda a: a if a.status == 503 else None)(lucius.ask("GET", "/readyz")))
        self.assertEqual(lucius.orchestrate().status, 503)
        detail = answer.json["not_ready"][0]["detail"]
        self.assertEqual(lucius.stop(), 0)
        return detail

    def test_job_runs_with_certificates_on_both_sides(self):
        lucius = self.start(self.tls())
        self.consume(lucius, "distributed-ocr", arguments=["--handler", "noop"])
        lucius.wait_state(lucius.orchestrate().json["jobId"], "SUCCEEDED")
        self.assertEqual(set(self.front.names), {"lucius-test"})
        self.assertNotIn("a-key-that-nobody-sees", "\n".join(lucius.raw))
        self.assertEqual(lucius.stop(), 0)

    def test_server_of_another_authority_is_not_trusted(self):
        self.assertIn("certificate is not accepted",
                      self.why_not_ready(LUCIUS_TEMPORAL_TLS_CA=self.stranger + ".pem"))

    def test_server_of_another_name_is_not_trusted(self):
        self.assertIn("certificate is not accepted",
                      self.why_not_ready(LUCIUS_TEMPORAL_TLS_SERVER_NAME="other.test"))

    def test_missing_certificate_is_told(self):
        self.assertIn("is not reached", self.why_not_ready(LUCIUS_TEMPORAL_TLS_CERT="",
                                                           LUCIUS_TEMPORAL_TLS_KEY=""))
        self.assertEqual(self.front.names, [])

    def test_key_that_is_no_key_stops_the_start(self):
        lucius = self.start(self.tls(LUCIUS_TEMPORAL_TLS_KEY=self.client + ".pem"), ready=False)
        self.assertNotEqual(lucius.wait_end(), 0)
        self.assertIn("client.pem", "\n".join(lucius.raw))


if __name__ == "__main__":
    unittest.main(verbosity=2)
