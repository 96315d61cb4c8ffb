# SPDX-License-Identifier: MIT
"""Holds the C files to what CONTRIBUTING.md promises: no function over 60 lines, no file over 600,
half of all functions under 20 lines; the core includes nothing of curl, proton or a plugin. Of tests too:
the first line, and no header twice.

    check_functions.py SOURCE_ROOT
"""
import json
import pathlib
import re
import statistics
import subprocess
import sys

FOLDERS = ("core", "plugins", "support", "consumers", "sdk", "include")
MAX_FUNCTION = 60
MAX_FILE = 600
MEDIAN_BELOW = 20
FORBIDDEN_IN_CORE = re.compile(
    r'#include\s+[<"](curl/|proton/|plugins/|consumers/|nghttp2/|sqlite3)')


def sources(root):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]")):
            if "tests" not in path.relative_to(root).parts:
                yield path


def with_tests(root):
    for folder in (*FOLDERS, "tests"):
        yield from sorted((root / folder).rglob("*.[ch]"))


def faults_of_any(path):
    text = path.read_text(encoding="utf-8")
    if not text.startswith("/* SPDX-License-Identifier: MIT */"):
        yield f"{path}: does not begin with the SPDX line"
    headers = re.findall(r'^#include "(.*)"', text, re.M)
    for header in sorted({each for each in headers if headers.count(each) > 1}):
        yield f"{path}: includes {header} twice"


def functions(paths):
    """(file, name, first line, last line) of every function, as Universal Ctags sees them."""
    asked = ["ctags", "--output-format=json", "--fields=+ne", "--languages=C", "--kinds-C=f",
             "--language-force=C", "-f", "-", *map(str, paths)]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    for line in said.splitlines():
        tag = json.loads(line)
        if tag.get("_type") == "tag" and "end" in tag:
            yield tag["path"], tag["name"], tag["line"], tag["end"]


def main(root):
    faults = []
    paths = list(sources(root))
    sizes = []
    for file, name, first, last in functions(paths):
        size = last - first + 1
        sizes.append(size)
        if size > MAX_FUNCTION:
            faults.append(f"{file}:{first}: {name} has {size} lines, {MAX_FUNCTION} at most")
    for path in paths:
        text = path.read_text(encoding="utf-8")
        n_lines = text.count("\n")
        if n_lines > MAX_FILE:
            faults.append(f"{path}: {n_lines} lines, {MAX_FILE} at most")
        if path.is_relative_to(root / "core") and FORBIDDEN_IN_CORE.search(text):
            faults.append(f"{path}: includes what the core must not know")
    for path in with_tests(root):
        faults.extend(faults_of_any(path))
    median = statistics.median(sizes)
    print(f"{len(sizes)} functions in {len(paths)} files, median {median:.0f} lines, "
          f"longest {max(sizes)}")
    if median >= MEDIAN_BELOW:
        faults.append(f"the median function has {median} lines, below {MEDIAN_BELOW} is asked")
    print("\n".join(faults))
    return 1 if faults or len(sizes) < 100 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
