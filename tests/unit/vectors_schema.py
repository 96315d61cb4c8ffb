# SPDX-License-Identifier: MIT
"""Compares the schema validator with Python's jsonschema on random schemas and instances.

Called with the vector driver's path; skipped (status 77) where jsonschema is not installed.
"""

import json
import random
import subprocess
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("skipped: the Python package jsonschema is not installed")
    sys.exit(77)

N_SCHEMAS = 3000
N_INSTANCES = 6
NAMES = ["a", "b", "ab", "x-1", "\u00e9"]
TYPES = ["null", "boolean", "object", "array", "number", "string", "integer"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self, depth=3):
        kind = self.random.randrange(8 if depth > 0 else 5)
        if kind == 0:
            return self.random.choice([None, True, False])
        if kind < 3:
            return self.random.choice([-1, 0, 1, 2, 3, 1.0, 1.5, 2.0, 10, 2**53 + 1, 1e20])
        if kind < 5:
            return self.random.choice(["", "a", "ab", "abc", "\u00e9", "\U0001f600\U0001f600", "1"])
        if kind == 5:
            return [self.value(depth - 1) for _ in range(self.random.randrange(4))]
        return {self.random.choice(NAMES): self.value(depth - 1) for _ in range(self.random.randrange(4))}

    def schemas(self, depth, least=1):
        return [self.schema(depth - 1) for _ in range(self.random.randrange(least, 4))]

    def named(self, depth, names):
        return {name: self.schema(depth - 1) for name in self.random.sample(names, self.random.randrange(3))}

    def some_names(self):
        return self.random.sample(NAMES, self.random.randrange(3))

    def keyword(self, schema, depth):
        choose = self.random.choice
        rows = [
            lambda: schema.update(type=choose(TYPES)),
            lambda: schema.update(type=self.random.sample(TYPES, 2)),
            lambda: schema.update(enum=[self.value(2) for _ in range(3)]),
            lambda: schema.update(const=self.value(2)),
            lambda: schema.update({choose(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]): choose([0, 1, 1.5, 2.0])}),
            lambda: schema.update(multipleOf=choose([1, 2, 0.5])),
            lambda: schema.update({choose(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]): choose([0, 1, 2, 2.0])}),
            lambda: schema.update(pattern=choose(["^a", "b$", "a.c", "[0-9]", "^$"])),
            lambda: schema.update(required=self.some_names()),
            lambda: schema.update(dependentRequired={choose(NAMES): self.some_names()}),
            lambda: schema.update(uniqueItems=choose([True, False])),
        ]
        if depth > 0:
            rows += [
                lambda: schema.update(properties=self.named(depth, NAMES)),
                lambda: schema.update(patternProperties=self.named(depth, ["^x-", "a", "b$"])),
                lambda: schema.update(additionalProperties=self.schema(depth - 1)),
                lambda: schema.update(propertyNames=self.schema(depth - 1)),
                lambda: schema.update(dependentSchemas=self.named(depth, NAMES)),
                lambda: schema.update(items=self.schema(depth - 1)),
                lambda: schema.update(prefixItems=self.schemas(depth)),
                lambda: schema.update(contains=self.schema(depth - 1), minContains=choose([0, 1, 2]), maxContains=choose([1, 2])),
                lambda: schema.update({choose(["allOf", "anyOf", "oneOf"]): self.schemas(depth)}),
                lambda: schema.update({"not": self.schema(depth - 1)}),
                lambda: schema.update({"if": self.schema(depth - 1), "then": self.schema(depth - 1), "else": self.schema(depth - 1)}),
                lambda: schema.update(properties={choose(NAMES): {"$ref": "#"}}),
            ]
        choose(rows)()

    def schema(self, depth):
        if self.random.randrange(12) == 0:
            return self.random.choice([True, False])
        schema = {}
        for _ in range(self.random.randrange(1, 4)):
            self.keyword(schema, depth)
        return schema


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    print("seed %d" % seed)
    maker = Maker(seed)
    cases = []
    for _ in range(N_SCHEMAS):
        cases.append((maker.schema(3), [maker.value() for _ in range(N_INSTANCES)]))
    lines = ["schema " + json.dumps({"schema": s, "instances": i}) for s, i in cases]
    run = subprocess.run([sys.argv[1]], input="\n".join(lines).encode() + b"\n", capture_output=True, check=True)
    answers = run.stdout.decode().split("\n")[:-1]
    failed = 0 if len(answers) == len(cases) else 1
    n_valid = 0
    for (schema, instances), answer in zip(cases, answers):
        validator = Draft202012Validator(schema)
        expected = "".join("1" if validator.is_valid(i) else "0" for i in instances)
        n_valid += expected.count("1")
        if answer != expected:
            failed += 1
            print("%s\n  for %s\n  is %s, expected %s" % (json.dumps(schema), json.dumps(instances), answer, expected))
    print("%d schemas, %d failed; %d instances, %d of them valid" % (len(cases), failed, len(cases) * N_INSTANCES, n_valid))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
