#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The public headers against those of the first ABI, as abidiff sees them: structs may grow at their
end and nothing else may change. It is also shown that abidiff would have found a change.

    check_abi.py SOURCE_ROOT COMPILER
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def build(compiler, source, include, output):
    subprocess.run([*compiler.split(), "-g", "-O0", "-shared", "-fPIC", "-fvisibility=hidden",
                    f"-I{include}", str(source), "-o", str(output)], check=True)
    return output


GROWTH = re.compile(r"  (type size changed from \d+ to \d+|\d+ data member insertions?:)")
INSERTION = re.compile(r"    '.*', at offset (\d+) \(in bits\)")


def beyond_growth(report):
    """The lines of a report of changed leaves that say more than that a struct has a longer end."""
    size = 0
    for line in report.splitlines():
        inserted = INSERTION.match(line)
        resized = re.match(r"  type size changed from (\d+)", line)
        size = int(resized[1]) if resized else size
        is_summary = re.match(r"(Leaf|Changed leaf types|Removed/Changed/Added \w+) (changes )?summary: ",
                              line) and not re.search(r"[1-9]\d* (Removed|Changed)", line)
        is_head = re.match(r"'struct lucius_\w+ at \S+' changed:$", line)
        if not line.strip() or is_summary or is_head or GROWTH.match(line) or (
                inserted and int(inserted[1]) >= size):
            continue
        yield line


class Abi:
    def __init__(self, root, compiler, scratch):
        self.here = root / "tests/abi"
        self.compiler = compiler
        self.scratch = scratch
        self.frozen = build(compiler, self.here / "witness.c", self.here / "frozen-1",
                            scratch / "frozen.so")

    def differences(self, include):
        """What abidiff has against these headers; empty: nothing."""
        now = build(self.compiler, self.here / "witness.c", include, self.scratch / "now.so")
        done = subprocess.run(["abidiff", "--leaf-changes-only", str(self.frozen), str(now)],
                              capture_output=True, text=True, check=False)
        if done.returncode & 3:
            raise RuntimeError(f"abidiff failed: {done.stdout}{done.stderr}")
        return "\n".join(beyond_growth(done.stdout))

    def differences_after(self, header, pattern, replacement):
        """As above, of the frozen headers with one change."""
        include = self.scratch / "changed"
        shutil.rmtree(include, ignore_errors=True)
        shutil.copytree(self.here / "frozen-1", include)
        path = include / "lucius" / header
        changed, n = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.S)
        assert n == 1, pattern
        path.write_text(changed)
        return self.differences(include)


def main(root, compiler):
    if shutil.which("abidiff") is None:
        print("abidiff is not there: scripts/install-packages test")
        return 1
    faults = []
    with tempfile.TemporaryDirectory() as scratch:
        abi = Abi(pathlib.Path(root), compiler, pathlib.Path(scratch))
        found = abi.differences(pathlib.Path(root) / "include")
        if found:
            faults.append(f"the headers are no longer those of ABI 1, grown at the end:\n{found}")
        for what, change in {
                "a member in the middle": ("storage.h", r"(struct lucius_command \{.*?)(\tconst struct)",
                                           r"\1\tuint64_t odd;\n\2"),
                "another argument": ("storage.h", r"uint32_t limit, struct lucius_op op\)",
                                     "uint64_t limit, struct lucius_op op)"),
                "a member that has gone": ("bus.h", r"\tuint32_t lock_ms;[^\n]*\n", "")}.items():
            if not abi.differences_after(*change):
                faults.append(f"abidiff does not see {what}")
        grown = abi.differences_after("storage.h", r"(void \(\*events\)[^;]*;)",
                                      r"\1\n\tvoid (*more)(void *self, struct lucius_op op);")
        if grown:
            faults.append(f"a table that has grown at its end counts as changed:\n{grown}")
    print("\n".join(faults) or "ABI 1 as it was, and abidiff sees what would break it")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
