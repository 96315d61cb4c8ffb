# SPDX-License-Identifier: MIT
"""Figures of the whole system, each beside its reference in the same run. Nothing is asserted.

    bench_system.py orchestrate | jobs | idle
"""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from world import Consumer, Lucius  # noqa: E402

BARE = os.environ["LUCIUS_TEST_BARE"]
POST_LOAD = os.environ["LUCIUS_TEST_POST_LOAD"]
ROUNDS = 3
ROUND_MS = 2000
N_JOBS = 10000
# Nothing but the rate is to be the limit.
WIDE = {"LUCIUS_MEMORY_MAX_JOBS": "5000000", "LUCIUS_BUS_QUEUE_MESSAGES": "5000000",
        "LUCIUS_BUS_QUEUE_BYTES": str(4 << 30), "LUCIUS_BUS_TOTAL_BYTES": str(8 << 30), "LUCIUS_WORKFLOW_MAX_RUNS": "5000000"}


def post(port, milliseconds=ROUND_MS, maximum=0, request_type="OCR", connections=64, tenants=()):
    said = subprocess.run([POST_LOAD, str(port), str(milliseconds), str(connections),
                           str(maximum), request_type, *map(str, tenants)],
                          check=True, capture_output=True).stdout
    result = json.loads(said)
    result["rate"] = result["answers"] / result["seconds"]
    return result


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def finished(lucius):
    with urllib.request.urlopen(f"http://127.0.0.1:{lucius.port}/metrics", timeout=30) as reply:
        text = reply.read().decode()
    found = re.findall(r'^lucius_jobs_finished_total\{state="(\w+)"\} (\d+)', text, re.M)
    return {state: int(n) for state, n in found}


def start(environment=None):
    settings = dict(WIDE)
    settings.update(environment or {})
    return Lucius(settings, quiet=True).wait_ready()


def orchestrate():
    bare = subprocess.Popen([BARE], stdout=subprocess.PIPE)
    try:
        bare_port = int(bare.stdout.readline())
        ours, reference, ratios = [], [], []
        for _ in range(ROUNDS):
            lucius = start()
            before = cpu_seconds(lucius.child.pid)
            result = post(lucius.port)
            spent = cpu_seconds(lucius.child.pid) - before
            lucius.kill()
            bare_result = post(bare_port)
            ours.append(result["rate"])
            reference.append(bare_result["rate"])
            ratios.append(result["rate"] / bare_result["rate"])
            print(f"  orchestrate {result['rate']:9.0f}/s  p50 {result['p50_us']} us "
                  f"p99 {result['p99_us']} us  refused {result['refusals']}  "
                  f"{spent / max(result['answers'], 1) * 1e6:.1f} us CPU each, with its workflow "
                  f"started and its directive published;  bare {bare_result['rate']:9.0f}/s")
    finally:
        bare.kill()
        bare.wait()
    print(f"orchestrations a second, storage memory: {statistics.median(ours):.0f}; bare evhttp and "
          f"jansson: {statistics.median(reference):.0f}; ratio {statistics.median(ratios):.2f}")


def jobs():
    lucius = start()
    consumers = [Consumer(lucius, subscription, None, arguments=["--handler", "noop"])
                 for subscription in ("distributed-ocr", "vector-ingestion")]
    for consumer in consumers:
        consumer.wait_line("consumer.started")
    before = {p.child.pid: cpu_seconds(p.child.pid) for p in [lucius, *consumers]}
    began = time.monotonic()
    result = post(lucius.port, 60000, N_JOBS, "OCR->EMBEDDING", 32)
    while sum(finished(lucius).values()) < result["answers"]:
        time.sleep(0.02)
        assert time.monotonic() - began < 120, finished(lucius)
    seconds = time.monotonic() - began
    spent = [cpu_seconds(p.child.pid) - before[p.child.pid] for p in [lucius, *consumers]]
    print(f"two-step jobs a second, two consumer processes: {result['answers'] / seconds:.0f} "
          f"({finished(lucius)}); {result['answers'] / result['seconds']:.0f} accepted a second; "
          f"CPU a job: luciusd {spent[0] / N_JOBS * 1e6:.0f} us, consumers "
          f"{(spent[1] + spent[2]) / N_JOBS * 1e6:.0f} us")
    for process in [lucius, *consumers]:
        process.kill()


def idle():
    times = []
    for _ in range(10):
        began = time.monotonic()
        lucius = Lucius()
        lucius.wait_line("daemon.ready")
        times.append((time.monotonic() - began) * 1000)
        status = pathlib.Path(f"/proc/{lucius.child.pid}/status").read_text()
        rss = int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
        lucius.kill()
    print(f"idle, all embedded backends, both listeners: {rss / 1024:.1f} MiB resident; exec to ready "
          f"{statistics.median(times):.0f} ms (of 10, through a Python parent)")


if __name__ == "__main__":
    {"orchestrate": orchestrate, "jobs": jobs, "idle": idle}[sys.argv[1]]()
