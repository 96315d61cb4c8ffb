# SPDX-License-Identifier: MIT
"""The stand-in as the fixture of the conformance suite: options on standard output, then one answer
for each line: set KEY VALUE, remove KEY, down, up."""
import sys

from server import AppConfig


def obey(server, line):
    word, _, rest = line.strip().partition(" ")
    if word == "set":
        key, _, value = rest.partition(" ")
        server.store.put(key, value)
    elif word == "remove":
        server.store.remove(rest)
    elif word == "down":
        server.fail(status=503, times=1 << 40)
    elif word == "up":
        server.faults.clear()
    else:
        return f"no such word: {word}"
    return "ok"


def main():
    server = AppConfig()
    print(f"appconfig-connection={server.connection()}")
    print("appconfig-refresh-seconds=1")
    print("ready", flush=True)
    for line in sys.stdin:
        print(obey(server, line), flush=True)
    server.stop()


main()
