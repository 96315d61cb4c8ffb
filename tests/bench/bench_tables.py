# SPDX-License-Identifier: MIT
"""Orchestrations a second on both table backends, each beside a bare client in the same run that writes the
same rows over 16 connections, those of one partition as one batch. Nothing is asserted."""
import base64
import datetime
import hashlib
import hmac
import json
import os
import statistics
import subprocess
import tempfile

from bench_system import cpu_seconds, post, start
from azurite import ACCOUNT, KEY, Azurite  # bench_system has set the path
from tables_world import BACKENDS, Rows, new_tag, table_settings

POST_TEMPLATES = os.environ["LUCIUS_TEST_POST_TEMPLATES"]
ROUNDS = 3
MILLISECONDS = 3000
CONNECTIONS = 16
MARK = "J" * 32


def rows_of_one_job(rows, job_id):
    """By table and partition, as Lucius wrote them; what differs from job to job is marked."""
    found = {}
    for table in sorted(set(rows.names.values())):
        for row in rows.query(table, "RowKey ge ''"):
            if job_id not in json.dumps(row):
                continue
            row = {name: value for name, value in row.items() if name != "Timestamp"}
            found.setdefault((table, row["PartitionKey"]), []).append(row)
    jobs = [row for group in found.values() for row in group if row.get("idempotency_hash")]
    text = json.dumps(list(found.items()))
    for old, new in ((job_id, MARK), (jobs[0]["idempotency_hash"], MARK * 2),
                     (jobs[0]["tenant_id"], MARK)):
        text = text.replace(old, new)
    return [(table, group) for (table, _), group in json.loads(text)]


def signature(path, date):
    signed = hmac.new(base64.b64decode(KEY), f"{date}\n/{ACCOUNT}{path}".encode(), hashlib.sha256)
    return f"SharedKeyLite {ACCOUNT}:{base64.b64encode(signed.digest()).decode()}"


def request(path, date, content_type, body):
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-ms-date: {date}\r\nx-ms-version: 2019-02-02\r\n"
            f"DataServiceVersion: 3.0\r\nAccept: application/json;odata=nometadata\r\n"
            f"Prefer: return-no-content\r\nContent-Type: {content_type}\r\n"
            f"Authorization: {signature(path, date)}\r\nContent-Length: {len(body)}\r\n\r\n{body}")


def batch(port, table, group):
    part = "".join(
        "--changeset_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"POST http://127.0.0.1:{port}/{ACCOUNT}/{table} HTTP/1.1\r\n"
        "Accept: application/json;odata=nometadata\r\nPrefer: return-no-content\r\n"
        f"DataServiceVersion: 3.0\r\nContent-Type: application/json\r\n\r\n{json.dumps(row)}\r\n"
        for row in group)
    return ("--batch_1\r\nContent-Type: multipart/mixed; boundary=changeset_1\r\n\r\n"
            f"{part}--changeset_1--\r\n--batch_1--\r\n")


def templates(port, groups):
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    for table, group in groups:
        if len(group) == 1:
            yield request(f"/{ACCOUNT}/{table}", date, "application/json", json.dumps(group[0]))
        else:
            yield request(f"/{ACCOUNT}/$batch", date, "multipart/mixed; boundary=batch_1",
                          batch(port, table, group))


def bare(port, groups):
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(text.encode() + b"\0" for text in templates(port, groups)))
        file.flush()
        said = subprocess.run([POST_TEMPLATES, str(port), str(MILLISECONDS), str(CONNECTIONS), file.name],
                              check=True, capture_output=True).stdout
    return json.loads(said)


def one_round(backend):
    azurite = Azurite()
    settings = table_settings(backend, azurite.connection, new_tag())
    lucius = start(settings)
    try:
        before = cpu_seconds(lucius.child.pid)
        result = post(lucius.port, MILLISECONDS)
        spent = (cpu_seconds(lucius.child.pid) - before) / max(result["answers"], 1) * 1e6
        rows = Rows(azurite.port, settings)
        first = next(row["job_id"] for row in rows.jobs() if row["state"] == "QUEUED")
        groups = rows_of_one_job(rows, first)
        lucius.kill()
        reference = bare(azurite.port, groups)
    finally:
        lucius.kill()
        azurite.stop()
    rate = reference["rounds"] / reference["seconds"]
    print(f"  {backend:7} {result['rate']:7.0f}/s  p50 {result['p50_us']} us  p99 {result['p99_us']} us  "
          f"refused {result['refusals']}  {spent:.0f} us CPU each;  bare {rate:7.0f}/s of "
          f"{sum(len(group) for _, group in groups)} rows in {len(groups)} requests, refused "
          f"{reference['refusals']};  ratio {result['rate'] / rate:.2f}", flush=True)
    return result["rate"], rate


for name in BACKENDS:
    ours, theirs = zip(*(one_round(name) for _ in range(ROUNDS)))
    print(f"orchestrations a second, storage {name} on Azurite: {statistics.median(ours):.0f}; the same rows "
          f"bare over {CONNECTIONS} connections: {statistics.median(theirs):.0f}; ratio "
          f"{statistics.median(a / b for a, b in zip(ours, theirs)):.2f}", flush=True)
