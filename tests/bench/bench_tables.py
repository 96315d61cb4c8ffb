# SPDX-License-Identifier: MIT
"""Orchestrations a second on both table backends, beside a bare client in the same run. Nothing is asserted.

An orchestration is over when its directive is published and the rows say so: job and steps are inserted, leased and
marked as published. The bare client sends over 16 connections what that takes at the least: each row inserted as it
stands at first, those of one partition as one batch, then each change of rows as Lucius writes it, by a pattern that
was recorded. A second figure has the inserts alone, of the rows as they stand at last.
"""
import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

from bench_system import cpu_seconds, post, start
from azurite import ACCOUNT, KEY, Azurite, connection_string  # bench_system has set the path
from fault_proxy import FaultProxy
from tables_world import BACKENDS, Rows, new_tag, table_settings

POST_TEMPLATES = os.environ["LUCIUS_TEST_POST_TEMPLATES"]
ROUNDS = 3
MILLISECONDS = 5000
WARM_MILLISECONDS = 1500  # before: the service compiles itself as it runs, and Lucius looks around
CONNECTIONS = 16
QUIET_SECONDS = 3
N_SAVES = 2  # of an orchestration: leased, published
MARK = "J" * 32
EARLIER = "K" * 32  # of a round that has been answered


class Recorder(FaultProxy):
    """Keeps the requests that go through it."""

    def __init__(self, port):
        self.requests = []
        super().__init__(port)

    def _handle(self, client, server, request):
        super()._handle(client, server, request)
        self.requests.append(request.decode())


def marked(text, names, mark=MARK):
    """What differs from job to job is marked."""
    for old in names:
        text = text.replace(old, mark * (len(old) // len(MARK) or 1))
    return text


def names_of(row):
    return row["job_id"], row["idempotency_hash"], row["tenant_id"]


def rows_of_one_job(rows, names):
    """By table and partition, as Lucius wrote them."""
    found = {}
    for table in sorted(set(rows.names.values())):
        for row in rows.query(table, "RowKey ge ''"):
            if names[0] not in json.dumps(row):
                continue
            row = {name: value for name, value in row.items() if name != "Timestamp"}
            found.setdefault((table, row["PartitionKey"]), []).append(row)
    text = marked(json.dumps(list(found.items())), names)
    return [(table, group) for (table, _), group in json.loads(text)]


def signature():
    """Of the whole account: it does not depend on the path, which the marks are part of."""
    end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    parts = {"sp": "rwdlacu", "ss": "t", "srt": "sco", "st": "", "se": end, "sip": "", "spr": "", "sv": "2019-02-02"}
    signed = "\n".join([ACCOUNT, *parts.values(), ""]).encode()
    parts["sig"] = base64.b64encode(hmac.new(base64.b64decode(KEY), signed, hashlib.sha256).digest())
    return urllib.parse.urlencode({name: value for name, value in parts.items() if value})


def request(path, content_type, body, method="POST", etag=""):
    return (f"{method} {path}?{signature()} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-ms-version: 2019-02-02\r\n"
            f"DataServiceVersion: 3.0\r\nAccept: application/json;odata=nometadata\r\n{etag}"
            f"Prefer: return-no-content\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}")


def batch(port, table, group):
    part = "".join(
        "--changeset_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"POST http://127.0.0.1:{port}/{ACCOUNT}/{table} HTTP/1.1\r\n"
        "Accept: application/json;odata=nometadata\r\nPrefer: return-no-content\r\n"
        f"DataServiceVersion: 3.0\r\nContent-Type: application/json\r\n\r\n{json.dumps(row)}\r\n"
        for row in group)
    return ("--batch_1\r\nContent-Type: multipart/mixed; boundary=changeset_1\r\n\r\n"
            f"{part}--changeset_1--\r\n--batch_1--\r\n")


def inserts(port, groups):
    for table, group in groups:
        if len(group) == 1:
            yield request(f"/{ACCOUNT}/{table}", "application/json", json.dumps(group[0]))
        else:
            yield request(f"/{ACCOUNT}/$batch", "multipart/mixed; boundary=batch_1",
                          batch(port, table, group))


def changes(recorded, names):
    """The requests that change rows of the job after it was accepted, to be sent for an earlier round's job: by any
    ETag, as the client does not wait for one."""
    is_accepted = False
    for text in recorded:
        head, _, body = text.partition("\r\n\r\n")
        method, path, _ = head.split("\r\n")[0].split(" ")
        if not is_accepted:
            is_accepted = method in ("PATCH", "MERGE") and '"state":"QUEUED"' in body
        elif names[0] in path + body and method != "GET":
            kind = re.search(r"\r\nContent-Type: (.*)", head, re.I).group(1).strip()
            etag = "If-Match: *\r\n" if "\r\nif-match:" in head.lower() else ""
            body = re.sub(r"(?i)(\r\nIf-Match: ).*", r"\1*\r", body)
            yield request(marked(path, names, EARLIER), kind, marked(body, names, EARLIER), method, etag)


def send(azurite, templates, milliseconds):
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(text.encode() + b"\0" for text in templates))
        file.flush()
        said = subprocess.run([POST_TEMPLATES, str(azurite.port), str(milliseconds), str(CONNECTIONS), file.name],
                              check=True, capture_output=True).stdout
    return json.loads(said)


def bare(azurite, templates):
    before = cpu_seconds(azurite.child.pid)
    result = send(azurite, templates, MILLISECONDS)
    spent = (cpu_seconds(azurite.child.pid) - before) / max(result["rounds"], 1)
    print(f"    bare: {len(templates)} requests, {result['rounds'] / result['seconds']:.0f}/s, refused "
          f"{result['refusals']} of {result['answers']};  {spent * 1e6:.0f} us CPU of the service each", flush=True)
    return result["rounds"] / result["seconds"], spent


def n_storage_operations(lucius):
    with urllib.request.urlopen(f"http://127.0.0.1:{lucius.port}/metrics", timeout=30) as reply:
        text = reply.read().decode()
    return int(re.search(r'^lucius_operations_total\{[^}]*storage[^}]*\} (\d+)', text, re.M).group(1))


def wait_published(lucius, began, n_least, before=0):
    """Until nothing is asked of the storage any more: seconds until then, and the jobs that were made, leased and
    published meanwhile, of which each asked so often."""
    asked, changed = before, began
    while asked - before < n_least * (1 + N_SAVES) or time.monotonic() - changed < QUIET_SECONDS:
        time.sleep(0.01)
        now = n_storage_operations(lucius)
        asked, changed = (asked, changed) if now == asked else (now, time.monotonic())
    return changed - began, (asked - before) // (1 + N_SAVES)


def orchestrate(azurite, settings):
    lucius = start(settings)
    try:
        warm = post(lucius.port, WARM_MILLISECONDS)
        wait_published(lucius, time.monotonic(), warm["answers"])
        pids = lucius.child.pid, azurite.child.pid
        before, operations = [cpu_seconds(pid) for pid in pids], n_storage_operations(lucius)
        began = time.monotonic()
        result = post(lucius.port, MILLISECONDS)
        seconds, n_jobs = wait_published(lucius, began, max(result["answers"], 1), operations)
        spent = (cpu_seconds(lucius.child.pid) - before[0]) / n_jobs
        began = time.monotonic()
        assert lucius.stop() == 0  # with all rows written
        seconds += time.monotonic() - began
        spent_there = (cpu_seconds(azurite.child.pid) - before[1]) / n_jobs
    finally:
        lucius.kill()
    rate = n_jobs / seconds
    print(f"  {settings['LUCIUS_STORAGE_BACKEND']:7} {rate:7.0f}/s ({result['rate']:.0f}/s accepted)  p50 {result['p50_us']} "
          f"us  p99 {result['p99_us']} us  refused {result['refusals']}  {spent * 1e6:.0f} us CPU each, "
          f"{spent_there * 1e6:.0f} us of the service", flush=True)
    return rate, spent_there


def recorded_job(azurite, backend):
    """One orchestration in tables of its own: its rows, and the requests that wrote them."""
    recorder = Recorder(azurite.port)
    settings = table_settings(backend, connection_string(recorder.port), new_tag())
    lucius = start(settings)
    try:
        post(lucius.port, 60000, 1, connections=1)
        wait_published(lucius, time.monotonic(), 1)
        assert lucius.stop() == 0
    finally:
        lucius.kill()
        recorder.stop()
    rows = Rows(azurite.port, settings)
    claims = rows.query(rows.table("IDEMPOTENCY"), "RowKey ge 'h:' and RowKey lt 'h;'")
    names = names_of(claims[0])
    return rows_of_one_job(rows, names), list(changes(recorder.requests, names))


def one_round(backend):
    azurite = Azurite()
    try:
        groups, later = recorded_job(azurite, backend)
        send(azurite, [*inserts(azurite.port, groups), *later], WARM_MILLISECONDS)
        rate = orchestrate(azurite, table_settings(backend, azurite.connection, new_tag()))
        whole = bare(azurite, [*inserts(azurite.port, groups), *later])
        once = bare(azurite, list(inserts(azurite.port, groups)))
    finally:
        azurite.stop()
    return rate, whole, once


def median(rounds, figure):
    return statistics.median(figure(*each) for each in rounds)


for name in BACKENDS:
    rounds = [one_round(name) for _ in range(ROUNDS)]
    print(f"orchestrations a second, storage {name} on Azurite: {median(rounds, lambda ours, *_: ours[0]):.0f}; the same "
          f"writes bare over {CONNECTIONS} connections: {median(rounds, lambda _, whole, __: whole[0]):.0f}, ratio "
          f"{median(rounds, lambda ours, whole, _: ours[0] / whole[0]):.2f}, by CPU of the service "
          f"{median(rounds, lambda ours, whole, _: whole[1] / ours[1]):.2f}; the rows inserted once and never changed: "
          f"{median(rounds, lambda *all: all[2][0]):.0f}, ratio "
          f"{median(rounds, lambda ours, _, once: ours[0] / once[0]):.2f}", flush=True)
