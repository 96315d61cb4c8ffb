#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Starts bus-local in its test host, runs one SDK's scenarios against it, and stops it again.

Usage: run_bus_scenarios.py HOST PLUGINS_DIR [--needs FILE] CLIENT...
CLIENT is the command of the scenarios; the connection string is added as its last argument. If FILE
or the program of CLIENT is not there, the status is 77: the SDK has not been installed. When the
client writes "restart the broker", the host is killed, another one started at its port, and a line
written to the client.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
KEY = "SAS_KEY_VALUE"
N_TOPICS = 40
START_SECONDS = 30
RUN_SECONDS = 240
STOP_SECONDS = 60


def connection_string(port, key):
    return (
        f"Endpoint=sb://localhost:{port};SharedAccessKeyName=RootManageSharedAccessKey;"
        f"SharedAccessKey={key};UseDevelopmentEmulator=true;"
    )


def write_config(path):
    """The template with one topic a scenario."""
    with open(os.path.join(HERE, "config.json"), encoding="utf-8") as template:
        before, one, after = re.split(r"/\* one-(?:begin|end) \*/", template.read())
    with open(path, "w", encoding="utf-8") as config:
        config.write(before)
        for i in range(N_TOPICS):
            config.write(one.replace('"events"', f'"events-{i}"'))
        config.write(after)


class Host:
    """The test host, its log on our standard error and in `lines`."""

    def __init__(self, program, plugins_dir, config, port=0, options=()):
        self.command = [program, plugins_dir, "--bus-config", config, *options]
        self.has_management = "--bus-management-listen" in options
        self.log = []
        self.start(port)

    def start(self, port):
        self.port = None
        self.management_port = None
        self.is_listening = threading.Event()
        self.process = subprocess.Popen(
            [*self.command, "--bus-listen", f"127.0.0.1:{port}"], stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read_log)
        self.reader.start()

    def read_log(self):
        for line in self.process.stderr:
            self.log.append(line)
            found = re.search(r"bus\.(management_)?listening.*port (\d+)", line)
            if not found:
                continue
            if found.group(1):
                self.management_port = int(found.group(2))
            else:
                self.port = int(found.group(2))
            if self.management_port is not None or not self.has_management:
                self.is_listening.set()
        self.is_listening.set()

    def restart(self):
        """As after a crash: nothing is said to the clients, nothing is left of what it held."""
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.start(self.port)
        return self.is_listening.wait(START_SECONDS) and self.port is not None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = "killed: it did not stop in time"
        self.reader.join()
        return status


def attend(host, process):
    """Shows what the client writes, and does what it asks for."""
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        if line == "restart the broker\n" and host.restart():
            process.stdin.write("it is there again\n")
            process.stdin.flush()


def run_client(host, client):
    with subprocess.Popen(client + [connection_string(host.port, KEY)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        watchdog = threading.Timer(RUN_SECONDS, process.kill)
        watchdog.start()
        attend(host, process)
        status = process.wait()
        watchdog.cancel()
        return status


def run_all(program, plugins_dir, client, directory):
    config = os.path.join(directory, "config.json")
    write_config(config)
    host = Host(program, plugins_dir, config)
    host.is_listening.wait(START_SECONDS)
    if host.port is None:
        host.stop()
        print("".join(host.log))
        return 1
    client_status = run_client(host, client)
    host_status = host.stop()
    if any("runtime error" in line for line in host.log):
        host_status = "undefined behaviour, see above"
    if client_status != 0 or host_status != 0:
        print("".join(host.log[-200:]))
        print(f"client: {client_status}, host: {host_status}")
        return 1
    return 0


def main():
    program, plugins_dir, client = sys.argv[1], sys.argv[2], sys.argv[3:]
    needed = [client[0]]
    if client[0] == "--needs":
        needed, client = client[1:2], client[2:]
    for path in needed:
        if not os.path.exists(path):
            print(f"{path} is not there: run scripts/install-sdk-clients")
            return 77
    with tempfile.TemporaryDirectory() as directory:
        return run_all(program, plugins_dir, client, directory)


if __name__ == "__main__":
    sys.exit(main())
