# SPDX-License-Identifier: MIT
"""Runs the official JSON-Schema-Test-Suite for 2020-12 against the schema validator.

Every group is either judged just as the suite says, or refused when its schema is compiled, for one of
the reasons below. What is refused is printed by name under its reason, and counted: a group more or
less is a failure.

Called with the vector driver's path and the directory of scripts/install-schema-suite.
"""

import glob
import json
import os
import re
import subprocess
import sys

# What of the suite is not for this validator: whether it is meant by the refusal, how many groups, why.
KEYWORD = r'/(%s): the keyword "\1" is not enforced here, so it must not be used$'
REASONS = [
    (KEYWORD % "unevaluatedItems", 26, "keeping account of what other keywords have looked at is not needed"),
    (KEYWORD % "unevaluatedProperties", 41, "the same"),
    (KEYWORD % r"\$dynamicRef", 3, "schemas are one file each: nothing is extended from outside"),
    (KEYWORD % r"\$dynamicAnchor", 4, "the same"),
    (KEYWORD % "format", 19, "an annotation, which would look like a check"),
    (KEYWORD % "contentMediaType", 3, "an annotation, which would look like a check"),
    (KEYWORD % "contentEncoding", 1, "an annotation, which would look like a check"),
    (r"/\$ref: must be a reference within this file", 41, "nothing is fetched, and a file has one name"),
    (r'/\$ref: "#[a-z]+" leads nowhere in this file', 3, "references are JSON pointers, not anchors"),
    (r"/\$id: is a string and stands at the top of the file only", 7, "a file has one name"),
    (r"/\$schema: only .* is known", 2, "no other dialect is known"),
    (r'/(then|else): has no effect without "if"', 3, "said to the author, not passed over"),
    (r'/(min|max)Contains: has no effect without "contains"', 2, "said to the author, not passed over"),
    (r"unknown property after", 4, "PCRE2 knows Unicode properties by their short names"),
    (r"the character U\+0000 is not accepted in a string", 2, "nowhere in Lucius"),
]

# Of the suite's optional part, what concerns the keywords that are enforced.
OPTIONAL = ["ecmascript-regex", "float-overflow", "no-schema", "non-bmp-regex"]


def read_groups(folder):
    files = glob.glob(os.path.join(folder, "*.json"))
    files += [os.path.join(folder, "optional", name + ".json") for name in OPTIONAL]
    groups = []
    for path in sorted(files):
        with open(path, encoding="utf-8") as file:
            groups += [(os.path.basename(path), group) for group in json.load(file)]
    return groups


def ask(driver, groups):
    lines = []
    for _, group in groups:
        instances = [test["data"] for test in group["tests"]]
        lines.append("schema " + json.dumps({"schema": group["schema"], "instances": instances}))
    run = subprocess.run([driver], input="\n".join(lines).encode() + b"\n", capture_output=True, check=True)
    return run.stdout.decode().split("\n")[:-1]


def find_reason(answer):
    for i, (pattern, _, _) in enumerate(REASONS):
        if re.search(pattern, answer):
            return i
    return None


def main():
    folders = glob.glob(os.path.join(sys.argv[2], "schema-suite-*", "json", "tests", "draft2020-12"))
    if len(folders) != 1:
        print("skipped: the suite is not installed (scripts/install-schema-suite %s)" % sys.argv[2])
        return 77
    groups = read_groups(folders[0])
    answers = ask(sys.argv[1], groups)
    n_wrong = 0 if len(answers) == len(groups) else 1
    n_judged = n_tests = 0
    refused = [[] for _ in REASONS]
    for (file, group), answer in zip(groups, answers):
        expected = "".join("1" if test["valid"] else "0" for test in group["tests"])
        reason = find_reason(answer) if answer.startswith("refused ") else None
        if reason is not None:
            refused[reason].append("%s: %s" % (file, group["description"]))
        elif answer == expected:
            n_judged += 1
            n_tests += len(expected)
        else:
            n_wrong += 1
            print("WRONG %s: %s\n  is %s, expected %s" % (file, group["description"], answer, expected))
    for (pattern, n_expected, why), names in zip(REASONS, refused):
        print("refused, %d: %s\n    %s" % (len(names), why, "\n    ".join(names)))
        if len(names) != n_expected:
            n_wrong += 1
            print("WRONG: %d groups were expected to be refused by %s" % (n_expected, pattern))
    print(
        "%d groups: %d (%d tests) judged as the suite does, %d refused by name, %d wrong"
        % (len(groups), n_judged, n_tests, sum(map(len, refused)), n_wrong)
    )
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
