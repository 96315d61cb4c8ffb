# SPDX-License-Identifier: MIT
"""Lucius on Azure tables for tests: one Azurite a suite, tables of its own a test, and a reader that sees the
rows as they are, past Lucius and past any proxy."""
import atexit
import base64
import datetime
import functools
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import threading
import time
import urllib.parse
import uuid

from azurite import ACCOUNT, KEY, Azurite, connection_string
from world import BOUND, PLUGINS, World

BACKENDS = ("table", "ledger")
LIVE = ("QUEUED", "IN_PROGRESS", "PAUSED", "CANCELLING")


def table_settings(backend, connection, tag):
    """What makes Lucius keep its jobs in tables that nobody else has."""
    names = {"LEDGER": "ledger"} if backend == "ledger" else {
        "JOBS": "jobs", "STEPS": "steps", "IDEMPOTENCY": "claims", "JOB_INDEX": "index",
        "INFLIGHT": "slots"}
    return {"LUCIUS_STORAGE_BACKEND": backend, "LUCIUS_TABLE_CONNECTION": connection,
            **{f"LUCIUS_{name}_TABLE": value + tag for name, value in names.items()}}


def new_tag():
    return uuid.uuid4().hex[:8]


@functools.cache
def shared_azurite():
    """One for all tests of this process, until its end."""
    azurite = Azurite()
    atexit.register(azurite.stop)
    return azurite


class Rows:
    """Reads what a Lucius with these settings keeps in the table service at that port."""

    def __init__(self, port, settings):
        self.port = port
        self.is_ledger = settings["LUCIUS_STORAGE_BACKEND"] == "ledger"
        self.names = {name.removeprefix("LUCIUS_").removesuffix("_TABLE"): value
                      for name, value in settings.items() if name.endswith("_TABLE")}

    def table(self, name):
        return self.names["LEDGER" if self.is_ledger else name]

    def query(self, table, condition, select=None):
        """All rows; those of one page (1000) are of one moment."""
        found, more = [], {}
        while True:
            asked = {"$filter": condition, **more}
            if select:
                asked["$select"] = ",".join(select)
            path = f"/{ACCOUNT}/{table}()"
            when = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
            signed = hmac.new(base64.b64decode(KEY), f"{when}\n/{ACCOUNT}{path}".encode(),
                              hashlib.sha256).digest()
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND)
            connection.request("GET", path + "?" + urllib.parse.urlencode(asked), headers={
                "x-ms-date": when, "x-ms-version": "2019-02-02",
                "Accept": "application/json;odata=nometadata", "DataServiceVersion": "3.0",
                "Authorization": f"SharedKeyLite {ACCOUNT}:{base64.b64encode(signed).decode()}"})
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            if answer.status != 200:
                raise AssertionError(f"{path}: {answer.status} {body}")
            found += json.loads(body)["value"]
            more = {name: answer.getheader("x-ms-continuation-" + name)
                    for name in ("NextPartitionKey", "NextRowKey")}
            if more["NextPartitionKey"] is None:
                return found
            more = {name: value for name, value in more.items() if value is not None}

    def live(self):
        """How many jobs of each tenant are live, at one moment."""
        states = " or ".join(f"state eq '{state}'" for state in LIVE)
        only = "RowKey eq 'JOB' and " if self.is_ledger else ""
        counts = {}
        for row in self.query(self.table("JOBS"), f"{only}({states})", ("tenant_id",)):
            counts[row["tenant_id"]] = counts.get(row["tenant_id"], 0) + 1
        return counts

    def jobs(self):
        """All rows of jobs, those that are never shown too."""
        only = "RowKey eq 'JOB'" if self.is_ledger else "RowKey ge ''"
        return self.query(self.table("JOBS"), only)

    def job(self, job_id):
        column = "PartitionKey eq '%s' and RowKey eq 'JOB'" if self.is_ledger else "RowKey eq '%s'"
        return self.query(self.table("JOBS"), column % job_id, ("state", "completed_at", "meta_slot", "meta_slot_etag"))

    def slots(self):
        return self.query(self.table("INFLIGHT"), "RowKey ge 'slot:' and RowKey lt 'slot;'")


class TablesWorld(World):
    """`backend` is set by a class for each of the two."""

    backend = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.azurite = Azurite()
        cls.addClassCleanup(cls.azurite.stop)

    def setUp(self):
        super().setUp()
        self.tag = new_tag()

    def settings(self, port=None, **more):
        connection = connection_string(port or self.azurite.port)
        return {**table_settings(self.backend, connection, self.tag),
                "LUCIUS_OWN_LEASE_SECONDS": "2", **more}

    def rows(self):
        return Rows(self.azurite.port, self.settings())

    def backend_program(self):
        """The program that drives the backend without a daemon, on this test's tables."""
        settings = self.settings()
        options = [f"{name.removeprefix('LUCIUS_').lower().replace('_', '-')}={value}"
                   for name, value in settings.items()
                   if name.endswith("_TABLE") or name == "LUCIUS_TABLE_CONNECTION"]
        return [os.environ["LUCIUS_TEST_SWARM"],
                os.path.join(PLUGINS, f"storage-{self.backend}.so"), *options]

    def check_no_slot_is_left(self):
        """What commands that were cut have left behind holds no slot: their time is set ahead, as it is
        mended when it is old, or when the tenant is full."""
        self.wait_for(lambda: not self.slots_of_jobs(), lambda: f"slots of jobs: {self.slots_of_jobs()}")
        subprocess.run([*self.backend_program(), "--only", "repair"], check=True, timeout=BOUND * 2,
                       stdout=subprocess.DEVNULL)
        self.assertEqual(self.rows().slots(), [])

    def slots_of_jobs(self):
        """Those of committed jobs, each with its job's row."""
        pairs = [(slot, row) for slot in self.rows().slots() for row in self.rows().job(slot["job_id"])]
        return [pair for pair in pairs if pair[1]["state"] not in ("PREPARING", "ABORTED")]

    def wait_for(self, question, what, bound=240):
        """What: a function, asked only if it does not come."""
        end = time.monotonic() + bound
        pause = threading.Event()
        while not question():
            if time.monotonic() > end:
                self.fail(what())
            pause.wait(0.1)

    def consume_both(self, lucius):
        """Handlers that succeed at once."""
        consumers = [self.consume(lucius, subscription, arguments=["--handler", "noop"])
                     for subscription in ("distributed-ocr", "vector-ingestion")]
        for consumer in consumers:
            consumer.wait_line("consumer.started")
        return consumers


__all__ = ["BACKENDS", "Rows", "TablesWorld", "new_tag", "shared_azurite",
           "table_settings"]
