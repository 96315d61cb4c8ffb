# SPDX-License-Identifier: MIT
"""Rows of both backends as Microsoft's client reads them, names and fields as the contract has them; and a
table service that is not to be had: what readiness says, and that it comes back by itself."""
import glob
import json
import os
import subprocess
import time

from azurite import connection_string
from fault_proxy import FaultProxy
from tables_world import TablesWorld
from world import BOUND, SDK, SOURCE, unittest

JOB_FIELDS = {"job_id", "tenant_id", "tenant_bucket", "request_type", "protocol_id", "mode", "state",
              "idempotency_hash", "current_step_id", "current_step_index", "attempts_total", "created_at",
              "updated_at", "completed_at", "traceparent", "final_output", "options", "control_seq",
              "doc_id", "correlation_id"}
STEP_FIELDS = {"job_id", "step_index", "step_id", "step_type", "service", "state", "attempt_no", "lease_id",
               "lease_expires_at", "attempt_started_at", "timer_started_at", "input_ref", "output_ref",
               "payload", "resolved_mode", "lane", "routing_key_used", "decision_source", "decision_reason",
               "result_ref", "created_at", "updated_at", "completed_at"}
INTEGERS = {"current_step_index", "attempts_total", "control_seq", "step_index", "attempt_no", "lane"}
TENANT = "T/1 ü#?~:%"
ESCAPED = "T~2F1 ü~23~3F~7E~3A~25"


class Service:
    def read(self):
        """What Microsoft's client finds in our tables, by our names of them."""
        rows = self.rows()
        python = glob.glob(os.path.join(SDK, "tables-python-*", "bin", "python"))
        self.assertEqual(len(python), 1, "scripts/install-table-client has not run")
        said = subprocess.run(
            [python[0], os.path.join(SOURCE, "tests/integration/read_tables.py"),
             self.azurite.connection, *rows.names.values()],
            check=True, capture_output=True, timeout=BOUND).stdout
        found = json.loads(said)
        return {name: found[table] for name, table in rows.names.items()}

    def run_job(self):
        lucius = self.start(self.settings())
        self.consume_both(lucius)
        answer = lucius.ask("POST", "/v1/orchestrate", {
            "tenant_id": TENANT, "request_type": "OCR->EMBEDDING", "input_ref": {"uri": "in \U0001f600"},
            "output_ref": "out", "payload": {"steps": {"ocr": {"output_format": "TEXT"}}},
            "doc_id": "d", "correlation_id": "c", "schema_version": "v1"})
        self.assertEqual(answer.status, 202, answer.body)
        job_id = answer.json["jobId"]
        path = answer.headers["Location"]
        end = time.monotonic() + BOUND
        while lucius.ask("GET", path).json["job"]["state"] != "SUCCEEDED":
            self.assertLess(time.monotonic(), end)
        while self.rows().slots():
            self.assertLess(time.monotonic(), end)
        waiting = lucius.ask("POST", "/v1/orchestrate", {
            "tenant_id": TENANT, "request_type": "SIS", "input_ref": "i", "output_ref": "o", "payload": {},
            "idempotency_key": "k/1", "schema_version": "v1"}).json["jobId"]
        whole = lucius.ask("GET", path).json
        self.assertEqual(lucius.stop(), 0)
        return job_id, waiting, whole

    def check_fields(self, row, wanted, shown):
        """All that the contract names, with its types and the values that the API shows."""
        self.assertLessEqual(wanted, set(row))
        for name in wanted:
            value = row[name]
            self.assertIsInstance(value, int if name in INTEGERS else str, name)
            if isinstance(shown[name], (dict, list)):
                value = json.loads(value)
            self.assertEqual(value, shown[name], name)

    def test_rows_read_with_microsofts_client_are_those_of_the_contract(self):
        job_id, waiting, whole = self.run_job()
        found = self.read()
        whole["steps"][0]["job_id"] = whole["steps"][1]["job_id"] = job_id
        self.check(found, job_id, waiting, whole)

    # The service is not to be had.

    def not_ready(self, connection, *words):
        """Started with that, it says so, refuses, and lives."""
        lucius = self.start({**self.settings(), "LUCIUS_TABLE_CONNECTION": connection}, ready=False)
        end = time.monotonic() + BOUND
        port_line = lucius.wait_line("http.listening", api="public")
        self.assertTrue(port_line["port"])
        answer = lucius.ask("GET", "/readyz")
        while not all(word in answer.body.decode() for word in words):
            self.assertLess(time.monotonic(), end, answer.body)
            answer = lucius.ask("GET", "/readyz")
        self.assertEqual(answer.status, 503)
        refused = lucius.orchestrate()
        self.assert_problem(refused, 503, "unavailable")
        self.assertIn("Retry-After", refused.headers)
        self.assertEqual(lucius.ask("GET", "/healthz").status, 200)
        return lucius

    def test_a_wrong_key_is_named(self):
        self.not_ready(connection_string(self.azurite.port, key="d3Jvbmc="), f'"part":"{self.backend}"', "key")

    def test_a_wrong_account_is_named(self):
        self.not_ready(connection_string(self.azurite.port, account="nobody"), f'"part":"{self.backend}"', "nobody")

    def test_an_unreachable_service_is_named_and_found_when_it_comes_and_again_after_it_was_away(self):
        proxy = FaultProxy(self.azurite.port)
        self.addCleanup(proxy.stop)
        proxy.close()
        lucius = self.not_ready(connection_string(proxy.port), f'"part":"{self.backend}"', str(proxy.port),
                                f"waits for the storage backend '{self.backend}'")
        for _ in range(2):
            proxy.open()
            self.wait_status(lucius, 200)
            self.assertEqual(lucius.orchestrate(input_ref=str(time.monotonic())).status, 202)
            proxy.close()
            lucius.orchestrate(input_ref="meanwhile")
            self.wait_status(lucius, 503)
        proxy.open()
        self.wait_status(lucius, 200)
        self.assertEqual(lucius.stop(), 0)

    def wait_status(self, lucius, status):
        end = time.monotonic() + BOUND
        while lucius.ask("GET", "/readyz").status != status:
            self.assertLess(time.monotonic(), end, f"not {status}\n" + "\n".join(lucius.raw[-20:]))

    def test_a_value_over_what_a_property_holds_is_refused_before_anything_is_written(self):
        lucius = self.start(self.settings())
        before = self.rows().jobs()
        for unit, count in (("x", 32769), ("\U0001f600", 16385)):
            refused = lucius.orchestrate(input_ref=unit * count)
            self.assertIn(refused.status, (413, 422), refused.body)
            self.assertIn("32768", refused.body.decode())
        self.assertEqual(self.rows().jobs(), before)
        self.assertEqual(self.rows().slots(), [])
        self.assertEqual(lucius.orchestrate(input_ref="x" * 32768).status, 202)
        self.assertEqual(lucius.orchestrate(input_ref="\U0001f600" * 16384).status, 202)
        self.assertEqual(lucius.stop(), 0)


class Table(Service, TablesWorld):
    backend = "table"

    def check(self, found, job_id, waiting, whole):
        jobs = {row["RowKey"]: row for row in found["JOBS"]}
        self.assertEqual(set(jobs), {job_id, waiting})
        bucket = ESCAPED + "~23" + whole["job"]["created_at"][:7].replace("-", "")
        self.assertEqual(jobs[job_id]["PartitionKey"], bucket)
        self.check_fields(jobs[job_id], JOB_FIELDS, whole["job"])
        steps = {row["RowKey"]: row for row in found["STEPS"] if row["PartitionKey"] == job_id}
        self.assertEqual(sorted(steps), ["0000:ocr", "0001:embedding"])
        for row, shown in zip((steps[key] for key in sorted(steps)), whole["steps"], strict=True):
            self.check_fields(row, STEP_FIELDS, shown)
        claims = {row["RowKey"]: row for row in found["IDEMPOTENCY"]}
        self.assertEqual(set(claims), {"h:" + whole["job"]["idempotency_hash"], "k:k~2F1"})
        self.assertEqual({row["PartitionKey"] for row in claims.values()}, {ESCAPED})
        self.assertEqual(claims["k:k~2F1"]["job_id"], waiting)
        index = {(row["PartitionKey"], row["RowKey"]) for row in found["JOB_INDEX"]}
        self.assertIn((job_id, job_id), index)
        listed = sorted(row for part, row in index if part == "T:" + ESCAPED)
        self.assertEqual([row.partition(":")[2] for row in listed], [waiting, job_id])
        self.assertRegex(listed[0], "^[0-9]{19}:")
        self.assertEqual([(row["PartitionKey"], row["job_id"]) for row in found["INFLIGHT"]],
                         [(ESCAPED, waiting)])
        self.assertRegex(found["INFLIGHT"][0]["RowKey"], "^slot:[0-9]{4}$")


class Ledger(Service, TablesWorld):
    backend = "ledger"

    def check(self, found, job_id, waiting, whole):
        rows = {(row["PartitionKey"], row["RowKey"]): row for row in found["LEDGER"]}
        of_job = sorted(key for part, key in rows if part == job_id)
        steps = [key for key in of_job if key.startswith("STEP:")]
        self.assertEqual(steps, ["STEP:0000:ocr", "STEP:0001:embedding"])
        self.check_fields(rows[job_id, "JOB"], JOB_FIELDS, whole["job"])
        for key, shown in zip(steps, whole["steps"], strict=True):
            self.check_fields(rows[job_id, key], STEP_FIELDS, shown)
        events = [key for key in of_job if key.startswith("EVENT:")]
        self.assertEqual(events, [f"EVENT:{n:06}" for n in range(1, len(events) + 1)])
        self.assertGreater(len(events), 5)
        self.assertEqual(rows["I:" + ESCAPED, "h:" + whole["job"]["idempotency_hash"]]["job_id"], job_id)
        self.assertEqual(rows["I:" + ESCAPED, "k:k~2F1"]["job_id"], waiting)
        self.assertEqual([key.partition(":")[2] for part, key in sorted(rows)
                          if part == "T:" + ESCAPED], [waiting, job_id])
        slots = [key for part, key in rows if part == "S:" + ESCAPED]
        self.assertEqual(len(slots), 1)
        self.assertEqual(rows["S:" + ESCAPED, slots[0]]["job_id"], waiting)


if __name__ == "__main__":
    unittest.main(verbosity=2)
