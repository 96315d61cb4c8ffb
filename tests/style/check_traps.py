# SPDX-License-Identifier: MIT
"""Every test that docs/service-bus.md names is there; every trap has one. Usage: check_traps.py SOURCE TEST..."""
import os
import re
import sys

SUFFIXES = (".c", ".py", ".mjs", ".java", ".go")
N_TRAPS = 38


def sources(root):
    for folder in ("plugins", "support", "tests"):
        for directory, _, names in os.walk(os.path.join(root, folder)):
            for name in names:
                if name.endswith(SUFFIXES) and name != "check_traps.py":
                    with open(os.path.join(directory, name), encoding="utf-8") as file:
                        yield file.read()


def main():
    root, builds = sys.argv[1], set(sys.argv[2:])
    with open(os.path.join(root, "docs/service-bus.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", file.read(), re.MULTILINE)
    words = set()
    for text in sources(root):
        words.update(re.findall(r"\w+", text))
    wrong = []
    for number, tests in rows:
        names = re.findall(r"`([^`]+)`", tests)
        if not names:
            wrong.append(f"trap {number} has no test")
        wrong += [f"trap {number}: there is no test '{name}'" for name in names
                  if name not in builds and name not in words]
    if [int(number) for number, _ in rows] != list(range(1, N_TRAPS + 1)):
        wrong.append(f"the table has not the traps 1 to {N_TRAPS}")
    print("\n".join(wrong) or f"{len(rows)} traps")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
