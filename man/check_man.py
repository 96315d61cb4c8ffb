#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual pages are sound, and name every flag that the programs' --help names and every option that
the configuration file has (which another test holds against the tables).

    check_man.py LUCIUSD CONSUMER CHECK CONF PAGE...
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


def options(conf, text):
    """What one of them has and the other has not; the file does not name itself."""
    given = set(re.findall(r"^\s*# ([A-Z_]+); takes ",
                           pathlib.Path(conf).read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r'^\.It Ev "([A-Z_]+)"', text, re.M))
    return [f"lucius.conf.5 and the file differ in {name}"
            for name in given ^ (named - {"LUCIUS_CONFIG"})] or (
                [] if len(given) > 100 else ["the file has too few options to be whole"])


def main(luciusd, consumer, check, conf, *pages):
    if shutil.which("mandoc") is None:
        print("mandoc is not there: scripts/install-packages test")
        return 1
    faults = [fault for page in pages for fault in lint(page)]
    texts = {pathlib.Path(page).name: pathlib.Path(page).read_text(encoding="utf-8") for page in pages}
    for program, page in ((luciusd, "luciusd.8"), (consumer, "lucius-consumer.1"),
                          (check, "lucius-plugin-check.1")):
        named = set(re.findall(r"Fl Fl ([a-z][a-z-]+)", texts[page]))
        faults += [f"{page} does not name --{flag}" for flag in flags(program) - named]
    faults += options(conf, texts["lucius.conf.5"])
    print("\n".join(faults) or f"{len(pages)} manual pages are sound")
    return 1 if faults or len(pages) < 5 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
