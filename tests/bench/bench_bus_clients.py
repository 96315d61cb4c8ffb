# SPDX-License-Identifier: MIT
"""Our Service Bus client beside Microsoft's JavaScript and Python SDKs, against one bus-local.

Usage: bench_bus_clients.py BUS_HOST PLUGINS_DIR BENCH_CLIENT SDK_DIRECTORY SOURCE_DIRECTORY
Each client has a topic of its own and sends, then receives and completes, the same messages: 500 bytes
and nine application properties. Those that are not installed are left out. Asserts nothing.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

BYTES = 500
SUBSCRIPTION = "reader"
NODE_RELEASE, PYTHON_RELEASES = "7.9.5", ("7.14.3", "7.15.0")


def start_bus(program, plugins, directory, topics):
    path = os.path.join(directory, "config.json")
    declared = [{"Name": topic, "Subscriptions": [{"Name": SUBSCRIPTION}]} for topic in topics]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"UserConfig": {"Namespaces": [{"Name": "n", "Topics": declared}]}}, file)
    process = subprocess.Popen(
        [program, plugins, "--bus-listen", "127.0.0.1:0", "--bus-config", path,
         "--bus-queue-messages", "1000000"], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        found = re.search(r"bus\.listening.*port (\d+)", line)
        if found:
            return process, int(found.group(1))
    raise SystemExit("the bus did not start")


def run(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def ours(bench, port, n):
    out = run([bench, str(n), str(BYTES), str(port), "ours", SUBSCRIPTION])
    rates = {}
    for line in out.splitlines():
        found = re.match(r"(\w+) +(\d+) messages.*: +(\d+)/s", line)
        if found and int(found.group(2)) == n:
            rates[found.group(1)] = float(found.group(3))
    return rates


def sdk(command, topic, port, n):
    connection = (f"Endpoint=sb://localhost:{port};SharedAccessKeyName=RootManageSharedAccessKey;"
                  "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;")
    return json.loads(run([*command, str(n), str(BYTES), topic, SUBSCRIPTION, connection]))


def clients(sdk_directory, source):
    """Name, command, messages."""
    modules = os.path.join(sdk_directory, f"node-{NODE_RELEASE}")
    if os.path.exists(os.path.join(modules, "complete")):
        yield (f"@azure/service-bus {NODE_RELEASE}",
               ["node", os.path.join(source, "tests/sdk/node/bench.mjs"), modules], 20000)
    for release in PYTHON_RELEASES:
        python = os.path.join(sdk_directory, f"python-{release}", "bin", "python")
        if os.path.exists(python):
            yield (f"azure-servicebus {release}",
                   [python, os.path.join(source, "tests/sdk/python/bench.py")], 5000)


def show(name, rates, reference):
    parts = [f"{what} {rates[what]:8.0f}/s (ours is {reference[what] / rates[what]:.1f} times that)"
             if reference is not rates else f"{what} {rates[what]:8.0f}/s"
             for what in ("send", "receive")]
    print(f"{name:28} {', '.join(parts)}", flush=True)


def main():
    program, plugins, bench, sdk_directory, source = sys.argv[1:]
    others = list(clients(sdk_directory, source))
    topics = ["ours"] + [f"sdk-{i}" for i in range(len(others))]
    with tempfile.TemporaryDirectory() as directory:
        process, port = start_bus(program, plugins, directory, topics)
        try:
            reference = ours(bench, port, 200000)
            show("lucius", reference, reference)
            for i, (name, command, n) in enumerate(others):
                show(name, sdk(command, f"sdk-{i}", port, n), reference)
        finally:
            process.terminate()
            process.stderr.read()
            process.wait()


if __name__ == "__main__":
    main()
