# SPDX-License-Identifier: MIT
"""Clients that send commands all the time and know what they were told, and what must hold afterwards however
the system was treated meanwhile: nothing accepted is lost or sticks, one command is one job, no slot is left,
no tenant ever had more than its limit."""
import http.client
import json
import socket
import threading
import time

from world import BOUND, envelope

END_BOUND = 240
REQUEST_TYPE = "OCR->EMBEDDING"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Posters:
    """A command is (tenant, input_ref); `accepted` maps it to its job, `unsure` holds those that were sent
    and not answered with 202."""

    def __init__(self, port, n_clients=1, n_tenants=5, n_waiting=60):
        self.port = port
        self.n_tenants = n_tenants
        self.n_waiting = n_waiting  # accepted jobs that are not over, at most
        self.lock = threading.Lock()
        self.accepted = {}
        self.unsure = set()
        self.statuses = {}
        self.n_cut = 0  # sent, and no answer came
        self.n_over = 0  # as whoever watches the daemon counts
        self.grown = threading.Condition(self.lock)
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(i,), daemon=True)
                        for i in range(n_clients)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(BOUND)

    def wait_accepted(self, n, bound=BOUND):
        with self.lock:
            if not self.grown.wait_for(lambda: len(self.accepted) >= n, bound):
                raise AssertionError(f"{len(self.accepted)} accepted instead of {n}: {self.statuses}")

    def _run(self, number):
        n = 0
        while not self.ended.is_set():
            if len(self.accepted) - self.n_over > self.n_waiting:
                self.ended.wait(0.01)
                continue
            n += 1
            command = (f"t{n % self.n_tenants}", f"in-{number}-{n}")
            # What is refused is sent again. What gets no answer too, but half of those only at the end.
            status = self.post(*command)
            while not self.ended.is_set() and status != 202 and (status is not None or n % 2 == 0):
                status = self.post(*command)

    def post(self, tenant, input_ref):
        """The answer's status; None: no answer came, and it may have been accepted."""
        command = (tenant, input_ref)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND)
        status = None
        try:
            body = json.dumps(envelope(tenant_id=tenant, request_type=REQUEST_TYPE,
                                       input_ref=input_ref))
            connection.request("POST", "/v1/orchestrate", body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            answer = json.loads(reply.read())
            status = reply.status
            self._note(command, status, answer)
        except ConnectionRefusedError:
            status = 0
            self.ended.wait(0.005)
        except (OSError, ValueError, http.client.HTTPException):
            with self.lock:
                self.n_cut += 1
                self.unsure.add(command)
        finally:
            connection.close()
        if status in (429, 503):
            self.ended.wait(0.02)
        return status

    def _note(self, command, status, answer):
        with self.lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status != 202:
                if command not in self.accepted:
                    self.unsure.add(command)
                return
            self.unsure.discard(command)
            known = self.accepted.setdefault(command, answer["jobId"])
            self.grown.notify_all()
            if known != answer["jobId"]:
                self.accepted[command, "again"] = answer["jobId"]

    def finish_commands(self, bound=END_BOUND):
        """Sends those again whose outcome is not known, until each is taken."""
        self.stop()
        self.ended.clear()
        end = time.monotonic() + bound
        while self.unsure:
            for command in list(self.unsure):
                self.post(*command)
            if time.monotonic() > end:
                raise AssertionError(f"{len(self.unsure)} commands are not taken: {self.statuses}")


def check_all_end(test, lucius, posters, bound=END_BOUND):
    """Each accepted job is there and succeeds."""
    end = time.monotonic() + bound
    waiting = {job_id: command[0] for command, job_id in posters.accepted.items()}
    pause = threading.Event()
    while waiting:
        for job_id, tenant in list(waiting.items()):
            whole = lucius.ask("GET", f"/v1/jobs/{job_id}?tenant_id={tenant}")
            test.assertEqual(whole.status, 200, f"{job_id} is lost: {whole.body}")
            state = whole.json["job"]["state"]
            if state != "SUCCEEDED":
                test.assertIn(state, ("QUEUED", "IN_PROGRESS"), whole.body)
                break
            del waiting[job_id]
        test.assertLess(time.monotonic(), end,
                        f"{len(waiting)} of {len(posters.accepted)} stick: {waiting}")
        pause.wait(0.02)


def check_one_job_a_command(test, lucius, posters):
    """All that is kept is what was accepted, once each, and a repeat finds it."""
    test.assertEqual([key for key in posters.accepted if key[1] == "again"], [])
    listed = {}
    for number in range(posters.n_tenants):
        cursor = ""
        while cursor is not None:
            page = lucius.ask("GET", f"/v1/jobs?tenant_id=t{number}&limit=200"
                              + (f"&cursor={cursor}" if cursor else ""))
            test.assertEqual(page.status, 200, page.body)
            for job in page.json["jobs"]:
                listed.setdefault(job["idempotency_hash"], []).append(job["job_id"])
            cursor = page.json["next"]
    doubled = {key: ids for key, ids in listed.items() if len(ids) != 1}
    test.assertEqual(doubled, {}, "several jobs for one command")
    test.assertEqual({ids[0] for ids in listed.values()}, set(posters.accepted.values()))
    for (tenant, input_ref), job_id in list(posters.accepted.items())[:20]:
        repeat = lucius.orchestrate(tenant_id=tenant, request_type=REQUEST_TYPE, input_ref=input_ref)
        test.assertEqual((repeat.status, repeat.json["jobId"]), (202, job_id), repeat.body)


class LimitWatch:
    """Asks all the time how many jobs of each tenant are live, and keeps the most."""

    def __init__(self, rows, pause_s=0.05):
        self.rows = rows
        self.pause_s = pause_s
        self.most = {}
        self.n_looks = 0
        self.ended = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.ended.wait(self.pause_s):
                for tenant, n in self.rows.live().items():
                    self.most[tenant] = max(self.most.get(tenant, 0), n)
                self.n_looks += 1
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def wait_most(self, n, bound=BOUND):
        """Until a tenant has had so many."""
        end = time.monotonic() + bound
        while max(self.most.values(), default=0) < n:
            if self.ended.wait(0.01) or self.failure is not None or time.monotonic() > end:
                raise AssertionError(f"{self.most} in {bound} s instead of {n}") from self.failure

    def stop(self):
        """The most of any tenant."""
        self.ended.set()
        self.thread.join(BOUND)
        if self.failure is not None:
            raise AssertionError("the watch has ended early") from self.failure
        return max(self.most.values(), default=0)
