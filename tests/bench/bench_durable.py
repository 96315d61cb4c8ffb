# SPDX-License-Identifier: MIT
"""Storage sqlite beside storage memory in the same run. Nothing is asserted.

    bench_durable.py orchestrate | latency | restart
"""
import datetime
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from bench_system import Consumer, cpu_seconds, post, start

ROUNDS = 3
N_LATENCY = 400
N_SYNCS = 200
N_LIVE = int(os.environ.get("BENCH_LIVE_JOBS", "100000"))


def sqlite(folder):
    return {"LUCIUS_STORAGE_BACKEND": "sqlite", "LUCIUS_SQLITE_FILE": os.path.join(folder, "jobs.db"),
            "LUCIUS_OWN_LEASE_SECONDS": "2"}


def filesystem(folder):
    return subprocess.run(["stat", "-f", "-c", "%T", folder], check=True, capture_output=True,
                          text=True).stdout.strip()


def measured(lucius):
    before = cpu_seconds(lucius.child.pid)
    result = post(lucius.port)
    spent = cpu_seconds(lucius.child.pid) - before
    lucius.kill()
    return result, spent / max(result["answers"], 1) * 1e6


def orchestrate(folder):
    rates = {"sqlite": [], "memory": []}
    for i in range(ROUNDS):
        place = os.path.join(folder, str(i))
        os.mkdir(place)
        for name, settings in (("sqlite", sqlite(place)), ("memory", {})):
            result, spent = measured(start(settings))
            rates[name].append(result["rate"])
            print(f"  {name:7} {result['rate']:9.0f}/s  p50 {result['p50_us']} us  p99 "
                  f"{result['p99_us']} us  {spent:.1f} us CPU each")
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print(f"orchestrations a second, storage sqlite with every commit synced ({filesystem(folder)}): "
          f"{medians['sqlite']:.0f}; storage memory {medians['memory']:.0f}; ratio "
          f"{medians['sqlite'] / medians['memory']:.2f}")


def microseconds(text):
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1e6)


def one_job(lucius, n):
    """(from accepted to over by the rows, from request to answer) in microseconds."""
    connection = http.client.HTTPConnection("127.0.0.1", lucius.port, timeout=30)
    began = time.perf_counter()
    connection.request("POST", "/v1/orchestrate", json.dumps({
        "tenant_id": "t1", "request_type": "OCR->EMBEDDING", "input_ref": f"in-{n}", "output_ref": "out",
        "payload": {}, "schema_version": "v1"}), {"Content-Type": "application/json"})
    job_id = json.loads(connection.getresponse().read())["jobId"]
    answered = time.perf_counter() - began
    while True:
        connection.request("GET", f"/v1/jobs/{job_id}?tenant_id=t1")
        job = json.loads(connection.getresponse().read())["job"]
        if job["completed_at"]:
            connection.close()
            return microseconds(job["completed_at"]) - microseconds(job["created_at"]), answered * 1e6
        time.sleep(0.005)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def latency(folder):
    over = sync_ms(folder, True)
    print(f"one synced write of a page: {sync_ms(folder, False):.2f} ms at the end of a file, {over:.2f} ms over what is "
          "there")
    for name, settings in (("sqlite", sqlite(folder)), ("memory", {})):
        lucius = start(settings)
        consumers = [Consumer(lucius, subscription, None, arguments=["--handler", "noop"])
                     for subscription in ("distributed-ocr", "vector-ingestion")]
        for consumer in consumers:
            consumer.wait_line("consumer.started")
        for n in range(20):
            one_job(lucius, -n - 1)
        whole, answers = zip(*(one_job(lucius, n) for n in range(N_LATENCY)))
        print(f"one two-step job at a time, storage {name}: from accepted to over p50 "
              f"{percentile(whole, .5) / 1000:.2f} ms  p99 {percentile(whole, .99) / 1000:.2f} ms "
              f"({percentile(whole, .5) / 1000 / over:.1f} synced writes); "
              f"answer to the command p50 {percentile(answers, .5) / 1000:.2f} ms  p99 "
              f"{percentile(answers, .99) / 1000:.2f} ms")
        for process in [lucius, *consumers]:
            process.kill()


def wait_ready(lucius):
    """Until /readyz says so, which is when the jobs have been taken up."""
    while lucius.ask("GET", "/readyz").status != 200:
        time.sleep(0.01)


def sync_ms(folder, is_over):
    """What the disk takes for a write of a page that is synced, behind the end of a file or over what is there: the
    reference of every commit."""
    times = []
    with open(os.path.join(folder, "reference"), "wb", buffering=0) as file:
        if is_over:
            file.write(bytes(4096 * N_SYNCS))
            os.fsync(file.fileno())
            file.seek(0)
        for _ in range(N_SYNCS):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def restart(folder):
    wide = {**sqlite(folder), "LUCIUS_MAX_INFLIGHT_PER_TENANT": "1000000"}
    lucius = start(wide)
    made = 0
    while made < N_LIVE:
        made += post(lucius.port, 60000, min(N_LIVE - made, 20000))["answers"]
    lucius.kill()
    times = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        lucius = start(wide)
        wait_ready(lucius)
        times.append(time.monotonic() - began)
        cpu = cpu_seconds(lucius.child.pid)
        lucius.kill()
    print(f"killed and started again with {made} live jobs on storage sqlite: ready to serve "
          f"after {statistics.median(times):.2f} s (of {ROUNDS}; {cpu:.2f} s CPU)")


if __name__ == "__main__":
    place = tempfile.mkdtemp(prefix="lucius-bench-", dir=os.environ.get("BENCH_DIR"))
    try:
        {"orchestrate": orchestrate, "latency": latency, "restart": restart}[sys.argv[1]](place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
