#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A build without the tests must need nothing that only tests need: it configures, and links no
CUnit. Called with meson and the source's directory."""
import pathlib
import subprocess
import sys
import tempfile

meson, source = sys.argv[1:]
with tempfile.TemporaryDirectory() as directory:
    done = subprocess.run([meson, "setup", directory, source, "-Dtests=false"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        sys.exit(f"it does not configure:\n{done.stdout[-2000:]}")
    rules = (pathlib.Path(directory) / "build.ninja").read_text()
    users = [line for line in rules.splitlines() if "libcunit" in line or "-lcunit" in line]
    if users:
        sys.exit("these link CUnit:\n" + "\n".join(users))
