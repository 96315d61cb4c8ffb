#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The layout of every public struct against the recorded one: what is recorded stays where it is,
what is new comes behind. Constants keep their values. Called with the include directory, the C
compiler, a scratch directory and the record; --write records anew (before the first release)."""
import pathlib
import re
import subprocess
import sys

HEADERS = ["plugin.h", "storage.h", "bus.h", "workflow.h", "config.h"]


def members_of(body):
    for declaration in re.sub(r"/\*.*?\*/", "", body, flags=re.S).split(";"):
        function = re.search(r"\(\*(\w+)\)\s*\(", declaration)
        if function:
            yield function.group(1)
        elif declaration.strip():
            for part in declaration.split(","):
                yield re.search(r"(\w+)\s*$", part).group(1)


def questions(include):
    """(label, C expression) of all that is recorded."""
    for header in HEADERS:
        text = pathlib.Path(include, "lucius", header).read_text()
        for name, value in re.findall(r"^#define (LUCIUS_\w+) (\w+)\b", text, flags=re.M):
            if re.match(r"(0x)?[0-9a-f]+u?$", value) and not name.endswith("ABI_MINOR"):
                yield f"{name}", name
        for struct, body in re.findall(r"^struct (\w+) \{\n(.*?)^\};", text, flags=re.M | re.S):
            yield f"sizeof {struct}", f"sizeof(struct {struct})"
            for member in members_of(body):
                yield f"{struct}.{member}", f"offsetof(struct {struct}, {member})"


def measure(include, compiler, scratch):
    source = pathlib.Path(scratch, "layout.c")
    program = pathlib.Path(scratch, "layout")
    lines = [f"#include <lucius/{header}>" for header in HEADERS] + ["#include <stdio.h>",
                                                                     "int main(void) {"]
    lines += [f'printf("{label} %llu\\n", (unsigned long long)({expression}));'
              for label, expression in questions(include)]
    source.write_text("\n".join([*lines, "return 0; }", ""]))
    subprocess.run([*compiler.split(), f"-I{include}", str(source), "-o", str(program)], check=True)
    output = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    return dict(line.rsplit(" ", 1) for line in output.splitlines())


# Values that are embedded in other structs: they never grow.
FIXED = {"lucius_text", "lucius_field", "lucius_op", "lucius_prefix"}


def faults(recorded, found):
    for label, value in recorded.items():
        struct = label.removeprefix("sizeof ")
        may_grow = struct != label and struct not in FIXED
        if label not in found:
            yield f"{label} has gone"
        elif int(found[label]) < int(value) if may_grow else found[label] != value:
            yield f"{label} is {found[label]} and was {value}"
    for label, value in found.items():
        struct = label.split(".")[0]
        if "." in label and label not in recorded and \
                int(value) < int(recorded.get(f"sizeof {struct}", 0)):
            yield f"{label} is new and lies at {value}, within what the struct was before"


def main(include, compiler, scratch, record, *flags):
    found = measure(include, compiler, scratch)
    path = pathlib.Path(record)
    if "--write" in flags:
        path.write_text("".join(f"{label} {value}\n" for label, value in found.items()))
        return 0
    recorded = dict(line.rsplit(" ", 1) for line in path.read_text().splitlines())
    wrong = list(faults(recorded, found))
    print("\n".join(wrong) or f"{len(recorded)} places and values as recorded")
    return 1 if wrong or not recorded else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
