# SPDX-License-Identifier: MIT
"""Tests that mostly wait: each in a process of its own, all of a file at once.

Instead of unittest.main: with a test's name among the arguments it does just what that does.
"""
import concurrent.futures
import subprocess
import sys
import unittest


def tests_in(suite):
    for one in suite:
        yield from tests_in(one) if isinstance(one, unittest.TestSuite) else [one]


def run_alone(test):
    """The test's name, and whether it passed with all that it said."""
    name = f"{type(test).__name__}.{test._testMethodName}"
    done = subprocess.run([sys.executable, sys.argv[0], "-v", name], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return name, done.returncode == 0, done.stdout.decode(errors="replace")


def main():
    if any(not argument.startswith("-") for argument in sys.argv[1:]):
        unittest.main(verbosity=2)
    tests = list(tests_in(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])))
    failed = []
    with concurrent.futures.ThreadPoolExecutor(len(tests)) as threads:
        for work in concurrent.futures.as_completed(threads.submit(run_alone, one) for one in tests):
            name, has_passed, said = work.result()
            print(said, flush=True)
            if not has_passed:
                failed.append(name)
    print(f"{len(tests)} tests side by side, {len(failed)} failed", *failed)
    sys.exit(1 if failed or not tests else 0)
