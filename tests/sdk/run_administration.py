#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Starts bus-local with its management API over TLS and runs an administration client against it.

Usage: run_administration.py HOST PLUGINS_DIR NEEDED CLIENT...
The client gets the connection string as its last argument; "CA" in its command becomes the file of
the certificate, which is also in NODE_EXTRA_CA_CERTS and SSL_CERT_FILE. Without the file NEEDED the
status is 77: the SDK has not been installed.
"""
import os
import subprocess
import sys
import tempfile

from run_bus_scenarios import KEY, START_SECONDS, Host, connection_string, write_config

RUN_SECONDS = 120


def make_certificate(directory):
    names = [os.path.join(directory, name) for name in ("cert.pem", "key.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", names[0], "-keyout", names[1]],
        check=True, capture_output=True)
    return names


def run_all(program, plugins_dir, client, directory):
    config = os.path.join(directory, "config.json")
    write_config(config)
    cert, key = make_certificate(directory)
    host = Host(program, plugins_dir, config, options=[
        "--bus-management-listen", "127.0.0.1:0", "--bus-tls-cert", cert, "--bus-tls-key", key])
    status = "it did not listen"
    if host.is_listening.wait(START_SECONDS) and host.management_port is not None:
        connection = connection_string(host.management_port, KEY)
        connection = connection.replace("UseDevelopmentEmulator=true;", "")
        environment = {**os.environ, "NODE_EXTRA_CA_CERTS": cert, "SSL_CERT_FILE": cert}
        status = subprocess.run(
            [cert if word == "CA" else word for word in client] + [connection],
            timeout=RUN_SECONDS, env=environment, check=False).returncode
    host_status = host.stop()
    if status != 0 or host_status != 0:
        print("".join(host.log[-200:]))
        print(f"client: {status}, host: {host_status}")
        return 1
    return 0


def main():
    program, plugins_dir, needed, client = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    if not os.path.exists(needed):
        print(f"{needed} is not there: run scripts/install-sdk-clients")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        return run_all(program, plugins_dir, client, directory)


if __name__ == "__main__":
    sys.exit(main())
