#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every public header compiles alone, without padding, in each language that plugins are written
in. Called with the include directory, the C compiler and the C++ compiler."""
import pathlib
import subprocess
import sys
import tempfile

STRICT = ["-pedantic", "-Wall", "-Wextra", "-Wpadded", "-Werror", "-c", "-o", "/dev/null"]


def compile_alone(compiler, standard, include, header, suffix):
    with tempfile.NamedTemporaryFile("w", suffix=suffix) as source:
        source.write(f"#include <lucius/{header}>\n#include <lucius/{header}>\n")
        source.write("int main(void) { return 0; }\n")
        source.flush()
        done = subprocess.run([*compiler, f"-std={standard}", *STRICT, f"-I{include}", source.name],
                              capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"{header} as {standard}:\n{done.stderr}")
    return done.returncode == 0


def main(include, c, cxx):
    headers = sorted(path.name for path in pathlib.Path(include, "lucius").glob("*.h"))
    ways = [(c.split(), "c11", ".c"), (c.split(), "c17", ".c"), (cxx.split(), "c++17", ".cc")]
    results = [compile_alone(compiler, standard, include, header, suffix)
               for header in headers for compiler, standard, suffix in ways]
    print(f"{len(headers)} headers, {results.count(True)} of {len(results)} compilations good")
    return 0 if headers and all(results) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
