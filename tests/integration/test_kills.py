# SPDX-License-Identifier: MIT
"""A daemon on storage sqlite that is killed again and again, at any moment of its life and under load:
no accepted job is lost, none sticks, and no slot stays taken. LUCIUS_TEST_KILLS says how often."""
import http.client
import json
import os
import random
import socket
import threading
import time

from world import BOUND, Lucius, World, envelope, unittest

N_KILLS = int(os.environ.get("LUCIUS_TEST_KILLS", "30"))
N_TENANTS = 5
N_WAITING = 60  # accepted jobs that are not over, at most: what is slow must not pile up
LONG_EVERY = 8  # after so many short lives one that is long enough for consumers to come back
END_BOUND = 240


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Poster(threading.Thread):
    """Sends commands all the time, each another one, and notes what was accepted."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.accepted = {}  # job id: (tenant, input_ref)
        self.n_unknown = 0  # sent, and no answer came
        self.n_over = 0
        self.ended = threading.Event()

    def run(self):
        n = 0
        while not self.ended.is_set():
            if len(self.accepted) - self.n_over > N_WAITING:
                self.ended.wait(0.01)
                continue
            n += 1
            self.post(f"t{n % N_TENANTS}", f"in-{n}")

    def post(self, tenant, input_ref):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND)
        try:
            body = json.dumps(envelope(tenant_id=tenant, request_type="OCR->EMBEDDING",
                                       input_ref=input_ref))
            connection.request("POST", "/v1/orchestrate", body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            answer = json.loads(reply.read())
            if reply.status == 202:
                self.accepted[answer["jobId"]] = (tenant, input_ref)
        except ConnectionRefusedError:
            self.ended.wait(0.005)
        except (OSError, ValueError, http.client.HTTPException):
            self.n_unknown += 1
        finally:
            connection.close()


class Kills(World):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("LUCIUS_TEST_SEED", random.randrange(1 << 32)))
        self.random = random.Random(self.seed)
        print(f"seed {self.seed}, {N_KILLS} kills", flush=True)
        self.port = free_port()
        self.settings = {"LUCIUS_STORAGE_BACKEND": "sqlite",
                         "LUCIUS_SQLITE_FILE": os.path.join(self.folder, "jobs.db"),
                         "LUCIUS_HTTP_LISTEN": f"127.0.0.1:{self.port}",
                         "LUCIUS_BUS_LISTEN": f"127.0.0.1:{free_port()}",
                         "LUCIUS_OWN_LEASE_SECONDS": "2", "LUCIUS_SWEEP_SECONDS": "1",
                         "LUCIUS_MAX_INFLIGHT_PER_TENANT": "1000", "LUCIUS_LOG_LEVEL": "info"}

    def live(self):
        lucius = Lucius(self.settings)
        self.addCleanup(self._end, lucius)
        return lucius

    def kill_at_random(self, number):
        """How many jobs it has finished."""
        lucius = self.live()
        if number % LONG_EVERY == LONG_EVERY - 1:
            lucius.wait_line("job.finished", bound=BOUND)
        threading.Event().wait(self.random.uniform(0, 0.6))
        self.assertIsNone(lucius.child.poll(), f"life {number} ended by itself:\n"
                          + "\n".join(lucius.raw[-30:]))
        lucius.kill()
        return len(lucius.events("job.finished"))

    def check_all_end(self, lucius, poster):
        end = time.monotonic() + END_BOUND
        waiting = dict(poster.accepted)
        pause = threading.Event()
        while waiting:
            for job_id, (tenant, _) in list(waiting.items()):
                whole = lucius.ask("GET", f"/v1/jobs/{job_id}?tenant_id={tenant}")
                self.assertEqual(whole.status, 200, f"{job_id} is lost: {whole.body}")
                state = whole.json["job"]["state"]
                if state == "SUCCEEDED":
                    del waiting[job_id]
                else:
                    self.assertIn(state, ("QUEUED", "IN_PROGRESS"), whole.body)
                    break
            self.assertLess(time.monotonic(), end,
                            f"{len(waiting)} of {len(poster.accepted)} stick: {waiting}")
            pause.wait(0.02)

    def check_slots(self):
        """With a limit of one, each tenant gets one in: all slots are free."""
        lucius = self.start({**self.settings, "LUCIUS_MAX_INFLIGHT_PER_TENANT": "1"})
        end = time.monotonic() + BOUND
        for tenant in range(N_TENANTS):
            answer = lucius.orchestrate(tenant_id=f"t{tenant}", input_ref="the last")
            while answer.status == 429 and time.monotonic() < end:
                threading.Event().wait(0.1)
                answer = lucius.orchestrate(tenant_id=f"t{tenant}", input_ref="the last")
            self.assertEqual(answer.status, 202, answer.body)
        self.assertEqual(lucius.stop(), 0)

    def test_nothing_is_lost_and_nothing_sticks_however_often_it_is_killed(self):
        poster = Poster(self.port)
        first = self.live()
        first.wait_ready()
        consumers = [self.consume(first, subscription, arguments=["--handler", "noop"])
                     for subscription in ("distributed-ocr", "vector-ingestion")]
        for consumer in consumers:
            consumer.wait_line("consumer.started")
        poster.start()
        first.wait_line("job.finished")
        first.kill()
        for number in range(N_KILLS - 1):
            poster.n_over += self.kill_at_random(number)
            if number % 100 == 99:
                print(f"{number + 1} kills, {len(poster.accepted)} jobs accepted", flush=True)
        last = self.start(self.settings)
        poster.ended.set()
        poster.join(BOUND)
        self.assertGreater(len(poster.accepted), N_KILLS // 4)
        self.check_all_end(last, poster)
        repeat_id, (tenant, input_ref) = next(iter(poster.accepted.items()))
        repeat = last.orchestrate(tenant_id=tenant, request_type="OCR->EMBEDDING", input_ref=input_ref)
        self.assertEqual(repeat.json["jobId"], repeat_id)
        self.assertEqual(last.stop(), 0)
        for consumer in consumers:
            consumer.kill()
        self.check_slots()
        print(f"{N_KILLS} kills, {len(poster.accepted)} jobs accepted and done, "
              f"{poster.n_unknown} commands cut", flush=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
