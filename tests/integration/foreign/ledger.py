# SPDX-License-Identifier: MIT
"""The rows of storage `ledger` and what SPEC 3 to 5 let an invoker do to them, with Microsoft's client.

Each change is one transaction over the job's row and a step's, by the ETag of the job's. Properties that
are not named in SPEC 3 are left alone.
"""
import datetime
import json
import threading
import urllib.parse

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableServiceClient, UpdateMode

JOB_ENDS = ("SUCCEEDED", "FAILED_FINAL", "CANCELLED")
UNDER_WAY = ("INITIATED", "PROCESSING")
HIDDEN = ("PREPARING", "ABORTED")
TRIES = 50


class Refused(Exception):
    def __init__(self, status, detail, **members):
        super().__init__(detail)
        self.status = status
        self.body = {"detail": detail, **members}


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds").replace(
        "+00:00", "Z")


def read(value):
    """Objects and arrays are kept as JSON text; a value that was taken away is an empty text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    return None if value == "" else value


def kept(value):
    return json.dumps(value) if isinstance(value, (dict, list)) else value


class Job:
    """A job with its steps, as read, and what is to be changed in them."""

    def __init__(self, rows):
        self.row = next(row for row in rows if row["RowKey"] == "JOB")
        self.steps = sorted((row for row in rows if row["RowKey"].startswith("STEP:")),
                            key=lambda row: row["RowKey"])
        self.changes = {}

    def set(self, row, **values):
        row.update(values, updated_at=now())
        self.changes.setdefault(row["RowKey"], {}).update(values, updated_at=row["updated_at"])

    def step(self, step_id):
        for row in self.steps:
            if row["step_id"] == step_id:
                return row
        raise Refused(404, f"the job has no step {step_id}")

    @property
    def state(self):
        return self.row["state"]

    def has_ended(self):
        return self.state in JOB_ENDS

    def told(self, step):
        """What the ledger holds of a step."""
        error = step.get("last_error_code") and {"code": step["last_error_code"],
                                                 "message": step.get("last_error_message")}
        return {"state": step["state"], "attempt_no": step["attempt_no"],
                "lease_id": step.get("lease_id"), "result_ref": read(step.get("result_ref")),
                "error": error or None}

    def check(self, step, asked, is_publish=False):
        """Whether that attempt is the one that is recorded; refuses what cannot become it."""
        if (step["attempt_no"], step.get("lease_id")) == (asked["attempt_no"], asked["lease_id"]):
            return True
        if self.has_ended():
            raise Refused(409, "the job has ended", reason="job-closed", job={"state": self.state})
        if step["state"] in JOB_ENDS:
            raise Refused(409, "the step has ended", reason="step-terminal", step=self.told(step))
        if self.state == "CANCELLING":
            raise Refused(409, "the job is being cancelled", reason="job-cancelling")
        if is_publish or asked["attempt_no"] <= step["attempt_no"]:
            raise Refused(409, "there is a later attempt", reason="superseded", step=self.told(step))
        return False

    def lease(self, asked):
        step = self.step(asked["stepId"])
        if self.check(step, asked):
            return
        self.set(step, attempt_no=asked["attempt_no"], lease_id=asked["lease_id"], state="INITIATED",
                 lease_expires_at=asked["lease_expires_at"], attempt_started_at=now(),
                 timer_started_at="")
        self.set(self.row, current_step_id=step["step_id"], current_step_index=step["step_index"],
                 attempts_total=self.row["attempts_total"] + 1)

    def published(self, directive):
        step = self.step(directive["stepId"])
        if step["lease_id"] == directive["lease_id"] and step["state"] == "INITIATED":
            self.set(step, timer_started_at=now())

    def close(self, state, error=None):
        for step in self.steps:
            is_hit = state == "FAILED_FINAL" and step["state"] in (*UNDER_WAY, "FAILED_RETRY")
            if step["state"] not in JOB_ENDS:
                self.set(step, state="FAILED_FINAL" if is_hit else "CANCELLED", completed_at=now())
        self.set(self.row, state=state, completed_at=now())
        if error and state == "FAILED_FINAL":
            self.set(self.row, error_code=error.get("code"), error_message=error.get("message") or "")
        if all(step["state"] == "SUCCEEDED" for step in self.steps):
            last = read(self.steps[-1].get("result_ref"))
            self.set(self.row, final_output=last["uri"] if isinstance(last, dict) else last)

    def outcome(self, asked):
        if self.state == asked["status"]:
            return
        if self.has_ended():
            raise Refused(409, "the job has ended", reason="job-closed", job={"state": self.state})
        step = self.step(asked["stepId"]) if asked.get("stepId") else None
        if asked["status"] == "FAILED_FINAL" and step is not None and step["state"] == "SUCCEEDED":
            raise Refused(409, "the step has ended", reason="step-terminal", step=self.told(step))
        if self.state == "CANCELLING" and asked["status"] != "CANCELLED":
            raise Refused(409, "the job is being cancelled", reason="job-cancelling")
        self.close(asked["status"], asked.get("error"))

    def reply(self, told):
        """Takes an ACK or a RESULT; whether its signal is due."""
        step = self.step(told["stepId"])
        if (step["attempt_no"], step.get("lease_id")) != (told["attempt_no"], told["lease_id"]):
            return False
        is_open = step["state"] in UNDER_WAY
        if self.state == "QUEUED" and is_open:
            self.set(self.row, state="IN_PROGRESS")
        if told["type"] == "ACK":
            if step["state"] == "INITIATED":
                self.set(step, state="PROCESSING", timer_started_at=now())
            return is_open
        if is_open:
            self.result(step, told)
        return True

    def result(self, step, told):
        error = told.get("error") or {"code": "STEP_FAILED"}
        if told["status"] == "SUCCEEDED":
            self.set(step, state="SUCCEEDED", completed_at=now(),
                     result_ref=kept(told.get("output_ref") or read(step["output_ref"])))
        else:
            self.set(step, state=told["status"], last_error_code=error["code"],
                     last_error_message=error.get("message") or "")
        if self.state == "CANCELLING":
            self.close("CANCELLED")
        elif told["status"] == "FAILED_FINAL":
            self.close("FAILED_FINAL", error)
        elif all(row["state"] == "SUCCEEDED" for row in self.steps):
            self.close("SUCCEEDED")


class Ledger:
    def __init__(self, connection, table):
        self.connection = connection
        self.name = table
        self.local = threading.local()

    @property
    def table(self):
        """One client a thread."""
        if not hasattr(self.local, "table"):
            service = TableServiceClient.from_connection_string(self.connection)
            self.local.table = service.get_table_client(self.name)
        return self.local.table

    def load(self, job_id):
        rows = list(self.table.query_entities("PartitionKey eq @id", parameters={"id": job_id}))
        if not any(row["RowKey"] == "JOB" and row["state"] not in HIDDEN for row in rows):
            raise Refused(404, "there is no such job")
        return Job(rows)

    def change(self, job_id, decide):
        """What decide says of the job that is then in the table."""
        for _ in range(TRIES):
            job = self.load(job_id)
            answer = decide(job)
            if not job.changes or self.write(job):
                return job, answer
        raise Refused(503, "the job changes all the time")

    def write(self, job):
        job.changes.setdefault("JOB", {})
        parts = []
        for key, values in job.changes.items():
            how = {"mode": UpdateMode.MERGE}
            if key == "JOB":
                how.update(etag=job.row.metadata["etag"],
                           match_condition=MatchConditions.IfNotModified)
            parts.append(("update", {"PartitionKey": job.row["PartitionKey"], "RowKey": key, **values},
                          how))
        try:
            self.table.submit_transaction(parts)
        except HttpResponseError as error:
            if error.status_code == 412:
                return False
            raise
        return True

    def free_slot(self, job):
        """A slot that another job has by now has another ETag."""
        tenant = urllib.parse.quote(job.row["tenant_id"], safe="").replace("%", "~")
        found = self.table.query_entities("PartitionKey eq @part and job_id eq @id", parameters={
            "part": "S:" + tenant, "id": job.row["job_id"]})
        for slot in found:
            try:
                self.table.delete_entity(slot, etag=slot.metadata["etag"],
                                         match_condition=MatchConditions.IfNotModified)
            except ResourceNotFoundError:
                pass
