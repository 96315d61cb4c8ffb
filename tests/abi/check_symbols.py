#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each plugin exports the one symbol `lucius_plugin`, and wants none of Lucius from outside."""
import subprocess
import sys


def symbols(path, option):
    lines = subprocess.run(["nm", "-D", option, path], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return [line.split()[-1].split("@")[0] for line in lines]


def main(paths):
    faults = []
    for path in paths:
        exported = symbols(path, "--defined-only")
        if exported != ["lucius_plugin"]:
            faults.append(f"{path} exports {exported}, expected ['lucius_plugin']")
        wanted = [name for name in symbols(path, "--undefined-only") if "lucius" in name]
        if wanted:
            faults.append(f"{path} wants {wanted} from outside")
    print("\n".join(faults) or f"{len(paths)} plugins export one symbol each")
    return 1 if faults or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
