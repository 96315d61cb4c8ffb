#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds etc/lucius.conf against what the option tables give; with --write, writes it anew."""
import difflib
import pathlib
import subprocess
import sys


def main(print_conf, conf, *flags):
    wanted = subprocess.run([print_conf], check=True, capture_output=True, text=True).stdout
    path = pathlib.Path(conf)
    if "--write" in flags:
        path.write_text(wanted)
        return 0
    given = path.read_text()
    sys.stdout.writelines(difflib.unified_diff(
        given.splitlines(True), wanted.splitlines(True), conf, "the option tables"))
    if given != wanted:
        print("write it anew with: ninja lucius-conf")
    return 0 if given == wanted else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
