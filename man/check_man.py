#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual pages are sound, and name every flag that the programs' --help names.

    check_man.py LUCIUSD CONSUMER CHECK PAGE...
"""
import pathlib
import re
import shutil
import subprocess
import sys


def flags(program):
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return set(re.findall(r"--([a-z][a-z-]+)", said.stdout + said.stderr)) - {"help", "version"}


def lint(page):
    """Warnings of mandoc; what it thinks of pages that it does not find is none of ours."""
    said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True,
                          text=True, check=False).stdout
    return [line for line in said.splitlines() if "referenced manual not found" not in line]


def main(luciusd, consumer, check, *pages):
    if shutil.which("mandoc") is None:
        print("mandoc is not there: scripts/install-packages test")
        return 1
    faults = [fault for page in pages for fault in lint(page)]
    texts = {pathlib.Path(page).name: pathlib.Path(page).read_text(encoding="utf-8") for page in pages}
    for program, page in ((luciusd, "luciusd.8"), (consumer, "lucius-consumer.1"),
                          (check, "lucius-plugin-check.1")):
        named = set(re.findall(r"Fl Fl ([a-z][a-z-]+)", texts[page]))
        faults += [f"{page} does not name --{flag}" for flag in flags(program) - named]
    print("\n".join(faults) or f"{len(pages)} manual pages are sound")
    return 1 if faults or len(pages) < 5 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
