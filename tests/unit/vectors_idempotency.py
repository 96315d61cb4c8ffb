# SPDX-License-Identifier: MIT
"""Compares the core with Python itself: canonical JSON, hashes, lower-casing, lanes, refusals.

Called with the vector driver's path. Values are random, from a seed that is printed.
"""

import hashlib
import json
import math
import random
import struct
import subprocess
import sys
import zlib

N_TREES = 3000
N_REALS = 30000


def pruned(value):
    if isinstance(value, dict):
        return {k: pruned(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [pruned(v) for v in value]
    return value


def canonical(value):
    return json.dumps(pruned(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


class Maker:
    """Random values that JSON can say and the reader takes."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def code_point(self):
        kind = self.random.randrange(8)
        if kind < 3:
            return self.random.randrange(0x20, 0x7F)
        if kind == 3:
            return self.random.randrange(1, 0x20)
        if kind == 4:
            return self.random.randrange(0x7F, 0x800)
        if kind == 5:
            return self.random.randrange(0x10000, 0x110000)
        if kind == 6:
            return self.random.randrange(0xE000, 0x10000)
        return self.random.choice([0x22, 0x5C, 0x2F, 0x2028, 0x2029, 0xFFFF, 0xD7FF, 0x130])

    def text(self):
        length = self.random.choice([0, 1, 2, 3, 5, 8, 40])
        return "".join(chr(self.code_point()) for _ in range(length))

    def real(self):
        kind = self.random.randrange(6)
        if kind == 0:
            bits = self.random.getrandbits(64)
            value = struct.unpack("<d", struct.pack("<Q", bits))[0]
            return value if math.isfinite(value) else 0.0
        if kind == 1:
            return self.random.choice(
                [0.0, -0.0, 1.0, 1e16, 1e15, 123456789012345680.0, 1e-4, 1e-5, 1e-7, 5e-324,
                 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3, 1e22, 1e23, 9007199254740993.0])
        if kind == 2:
            return math.ldexp(1.0, self.random.randrange(-1074, 1024))
        if kind == 3:
            return round(self.random.uniform(-1000, 1000), self.random.randrange(0, 9))
        if kind == 4:
            return float(self.random.getrandbits(self.random.randrange(1, 80)))
        return self.random.uniform(-1, 1) * 10 ** self.random.randrange(-320, 300)

    def integer(self):
        return self.random.choice(
            [0, 1, -1, 2**63 - 1, -(2**63), 2**53, self.random.randrange(-(2**63), 2**63)])

    def value(self, depth):
        kind = self.random.randrange(9 if depth > 0 else 6)
        if kind == 0:
            return None
        if kind == 1:
            return self.random.choice([True, False])
        if kind == 2:
            return self.integer()
        if kind == 3:
            return self.real()
        if kind < 6:
            return self.text()
        width = self.random.choice([0, 1, 2, 3, 6, 12, 40] if depth > 2 else [0, 1, 2, 3])
        if kind == 6:
            return [self.value(depth - 1) for _ in range(width)]
        return {self.text(): self.value(depth - 1) for _ in range(width)}

    def source(self, value):
        return json.dumps(value, ensure_ascii=self.random.choice([True, False]))


def tree_vectors(maker):
    for _ in range(N_TREES):
        value = maker.value(4)
        yield "canonical " + maker.source(value), canonical(value)


def plain_vectors(maker):
    for _ in range(N_TREES // 4):
        value = maker.value(3)
        # DEL is the one character that Python leaves and the writer escapes.
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False).replace("\x7f", "\\u007f")
        yield "plain " + maker.source(value), text


def real_vectors(maker):
    reals = [maker.real() for _ in range(N_REALS)]
    reals += [math.ldexp(1.0, e) for e in range(-1074, 1024)]
    reals += [float("1e%d" % e) for e in range(-323, 309)]
    reals += [math.nextafter(math.ldexp(1.0, e), 0.0) for e in range(-1074, 1024)]
    reals += [i / 10**k for k in range(8) for i in range(0, 1000, 7)]
    for start in range(0, len(reals), 1000):
        part = reals[start:start + 1000]
        yield "canonical " + json.dumps(part), canonical(part)


def number_text_vectors():
    for text in ["1E5", "1e+2", "-0", "-0.0", "0.10", "1.0E-2", "123456789.123456789e-3", "1e-400", "1e0",
                 "0e5", "9223372036854775807", "-9223372036854775808", "9223372036854775808.0",
                 "0." + "0" * 100 + "1", "1" * 60 + ".5"]:
        yield "canonical " + text, canonical(json.loads(text))


def hash_vectors(maker):
    for _ in range(N_TREES):
        command = {
            "tenant_id": maker.text(), "request_type": maker.text(), "doc_id": maker.random.choice([None, maker.text()]),
            "input_ref": maker.random.choice([maker.text(), {"uri": maker.text(), "checksum": None}]),
            "output_ref": maker.text(), "payload": {maker.text(): maker.value(3) for _ in range(3)},
            "schema_version": "v1"}
        digest = hashlib.sha256(canonical(command).encode()).hexdigest()
        yield "hash " + maker.source(command), digest


def normalise_vectors(maker):
    everything = [chr(c) for c in range(1, 0x110000) if not 0xD800 <= c <= 0xDFFF]
    # The digit keeps neighbours apart: it is neither cased nor ignorable nor white space.
    for start in range(0, len(everything), 256):
        yield "1".join(everything[start:start + 256])
    yield from everything[:0xF000]
    for character in everything[:0xF000:5]:
        yield "A" + character + "\u03a3" + character + maker.random.choice("1A")
    for text in ["ΑΣ", "ΑΣ.", "Σ", "ΑΣΑ", "Α.Σ", "ΑΣ\u0301", "Σ\u0301Α", "A\u00ad\u03a3", "A\u03a3\u00ad", "İ", "İI", "STRASSE",
                 " \t T1\u3000", "\u00a0\u2003", "ΑΣ ΑΣ", "A'Σ", "'Σ", "ΑΣ'", "AΣ'B", "A\u0345Σ", "\u0345Σ", "1Σ", "AΣ1"]:
        yield text
    pool = "AaΣσς.'\u0301\u00ad\u0345 1İ\u1f80\u2019:\u00b7\U0001d7a8\U00010400"
    for _ in range(5000):
        yield "".join(maker.random.choice(pool) for _ in range(maker.random.randrange(1, 7)))
    for _ in range(2000):
        yield maker.text()


def routing_vectors(maker):
    yield 'route {"mode":"DEFAULT","tenant_id":"t1"}', "DEFAULT 7"
    for text in normalise_vectors(maker):
        yield "normalise " + json.dumps(text), canonical(text.strip().lower())
    for _ in range(2000):
        tenant, doc, text = maker.text(), maker.text(), maker.text()
        key = (tenant.strip().lower() + doc.strip().lower()).encode()
        source = json.dumps({"mode": "BURST", "tenant_id": tenant, "doc_id": doc})
        yield "route " + source, "BURST %d" % (zlib.crc32(key) % 16)
        yield "crc " + json.dumps(text), str(zlib.crc32(text.encode()))


def mutated(maker, source):
    data = bytearray(source.encode())
    for _ in range(maker.random.randrange(1, 4)):
        at = maker.random.randrange(len(data) + 1)
        kind = maker.random.randrange(3)
        new = maker.random.choice(b'{}[]",:\\0123456789.eE+-truefalsn \t\xff\xc3\x80')
        if kind == 0:
            data.insert(at, new)
        elif at < len(data) and kind == 1:
            data[at] = new
        elif at < len(data):
            del data[at]
    return bytes(data)


def no_duplicates(pairs):
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a member is there twice")
    return names


def strict_loads(data):
    """What the reader should say, in Python: the value, or an exception."""

    def refuse(text):
        raise ValueError(text)

    def check(value):
        if isinstance(value, str):
            value.encode()
            if "\0" in value:
                raise ValueError("U+0000")
        elif isinstance(value, dict):
            for name, member in value.items():
                check(name)
                check(member)
        elif isinstance(value, list):
            for element in value:
                check(element)
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError("not finite")
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValueError("too large")

    value = json.loads(data.decode("utf-8", "strict"), object_pairs_hook=no_duplicates, parse_constant=refuse)
    check(value)
    return value


def mutation_vectors(maker):
    for _ in range(20000):
        data = mutated(maker, maker.source(maker.value(3)))
        if b"\n" in data:
            continue
        try:
            expected = canonical(strict_loads(data))
        except ValueError:
            expected = "refused"
        yield b"canonical " + data, expected


def compare(driver, name, vectors):
    vectors = list(vectors)
    lines = [v[0] if isinstance(v[0], bytes) else v[0].encode() for v in vectors]
    run = subprocess.run([driver], input=b"\n".join(lines) + b"\n", capture_output=True, check=True)
    answers = run.stdout.decode().split("\n")[:-1]
    if len(answers) != len(vectors):
        print("%s: %d answers to %d vectors" % (name, len(answers), len(vectors)))
        return 1
    failed = 0
    for line, (_, expected), answer in zip(lines, vectors, answers):
        if answer != expected and not (expected == "refused" and answer.startswith("refused ")):
            failed += 1
            if failed <= 5:
                print("%s: %r\n  is       %s\n  expected %s" % (name, line[:300], answer[:300], expected[:300]))
    print("%s: %d vectors, %d failed" % (name, len(vectors), failed))
    return failed


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    print("seed %d" % seed)
    maker = Maker(seed)
    failed = 0
    for name, vectors in [
            ("canonical", tree_vectors(maker)), ("plain", plain_vectors(maker)), ("reals", real_vectors(maker)),
            ("numbers", number_text_vectors()), ("hashes", hash_vectors(maker)),
            ("routing", routing_vectors(maker)), ("mutations", mutation_vectors(maker))]:
        failed += compare(sys.argv[1], name, vectors)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
