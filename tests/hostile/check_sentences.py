#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lucius-plugin-check says of each file that cannot be loaded what luciusd says of it.

    check_sentences.py CHECK LUCIUSD PLUGIN...
"""
import pathlib
import subprocess
import sys

# Refused by both; whatever else misbehaves does so only when it is used.
REFUSED = {"nosymbol", "magic", "major", "minor", "cut", "kind", "oddkind", "name", "noname", "nolife",
           "short", "option", "default"}


def said_by(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def faults_of(check, luciusd, path):
    name = path.stem.split("-", 1)[1]
    checked, said = said_by(check, "--no-suite", str(path))
    described, told = said_by(luciusd, "--plugins-dir", str(path.parent), "--describe", path.stem)
    is_refused = name in REFUSED
    if (checked != 0) != is_refused or (described != 0) != is_refused:
        yield f"{name}: exit {checked} and {described}; refused should be {is_refused}:\n{said}{told}"
    elif is_refused and told != f"luciusd: {said}":
        yield f"{name}: lucius-plugin-check says\n  {said}luciusd says\n  {told}"


def main(check, luciusd, *plugins):
    paths = [pathlib.Path(plugin).resolve() for plugin in plugins]
    faults = [fault for path in paths for fault in faults_of(check, luciusd, path)]
    missing = REFUSED - {path.stem.split("-", 1)[1] for path in paths}
    faults += [f"there is no storage-{name}" for name in sorted(missing)]
    print("\n".join(faults) or f"{len(paths)} files, the same sentences about {len(REFUSED)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
