#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two of each role on hosts of their own (network name spaces), on one Table Storage, one Temporal
and one bus. Under load, each process is killed, each host cut off, and each kind of link between two
hosts cut in turn; then every accepted job has to end, none may be there twice, and no tenant may have
had more than its limit.

Needs root. Called by scripts/host-test, which sets LUCIUSD, CONSUMER, PLUGINS, TEMPORAL and AZURITE;
CUT_SECONDS (20) is how long a host is cut off.
"""
import collections
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from containers import Network

CUT_SECONDS = float(os.environ.get("CUT_SECONDS", "20"))
CALM_SECONDS = float(os.environ.get("CALM_SECONDS", "3"))
END_BOUND = 240  # seconds in which all must have come to rest after the last fault
TENANTS = ["t1", "t2", "t3", "t4"]
LIMIT = 20
ROLES = ["orchestrator", "worker", "invoker"]
# Whom each role talks to.
LINKS = [("orchestrator", "azurite"), ("orchestrator", "temporal"), ("worker", "temporal"),
         ("worker", "invoker"), ("invoker", "azurite"), ("invoker", "bus")]
TABLE_KEY = ("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==")
TERMINAL = ("SUCCEEDED", "FAILED_FINAL", "CANCELLED")


# The load: runs in the name space of the bridge, as `test_hosts.py load ADDRESS…`.

def ask(address, method, path, body=None):
    connection = http.client.HTTPConnection(address, 8000, timeout=10)
    try:
        connection.request(method, path, body and json.dumps(body),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def insist(addresses, tenant, key, stopping):
    """One command, repeated on one orchestrator after the other until one has accepted it."""
    command = {"tenant_id": tenant, "request_type": "OCR->EMBEDDING", "input_ref": "in",
               "output_ref": "out", "payload": {}, "schema_version": "v1", "idempotency_key": key}
    has_been_sent = False
    turn = 0
    while not (stopping.is_set() and not has_been_sent):
        turn += 1
        try:
            status, answer = ask(addresses[turn % len(addresses)], "POST", "/v1/orchestrate", command)
        except (OSError, http.client.HTTPException, ValueError):
            has_been_sent = True  # it may have been taken: only an answer ends this
            stopping.wait(0.2)
            continue
        if status == 202:
            return answer["jobId"]
        if status not in (429, 503):
            raise AssertionError((status, answer))
        if status == 429 and not has_been_sent and stopping.is_set():
            return None
        threading.Event().wait(0.2)
    return None


def load(addresses):
    """Prints a line for each accepted command, until standard input ends."""
    stopping = threading.Event()
    lock = threading.Lock()

    def client(number):
        tenant = TENANTS[number % len(TENANTS)]
        count = 0
        while not stopping.is_set():
            key = f"{number}-{count}"
            count += 1
            job = insist(addresses, tenant, key, stopping)
            if job is not None:
                with lock:
                    print(json.dumps({"tenant": tenant, "key": key, "job": job}), flush=True)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    stopping.set()
    for thread in threads:
        thread.join()


def look(addresses):
    """All jobs of each tenant, newest first, as {tenant: [[job id, state], …]}."""
    found = {}
    for tenant in TENANTS:
        jobs = []
        cursor = ""
        while cursor is not None:
            for address in addresses:
                try:
                    status, answer = ask(address, "GET",
                                         f"/v1/jobs?tenant_id={tenant}&limit=200{cursor}")
                    break
                except OSError:
                    status, answer = 0, None
            if status != 200:
                raise SystemExit(f"{status} {answer}")
            jobs += [[job["job_id"], job["state"]] for job in answer["jobs"]]
            cursor = answer["next"] and f"&cursor={answer['next']}"
        found[tenant] = jobs
    print(json.dumps(found))


# The hosts

class Host:
    """One process on a host of its own."""

    def __init__(self, world, name, arguments, environment):
        self.world = world
        self.name = name
        self.address = world.network.address(name)
        self.space = world.network.join(name)
        self.arguments = arguments
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(world.directory), **environment}
        self.log = world.directory / f"{name}.log"
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.space, *self.arguments], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, env=self.environment, start_new_session=True)

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                self.kill()

    def wait_text(self, words, bound=60):
        end = time.monotonic() + bound
        while words not in self.log.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{self.name}: {self.log.read_text(errors='replace')[-3000:]}")
            self.world.pause.wait(0.1)


class World:
    def __init__(self):
        self.pause = threading.Event()  # never set
        self.is_good = False
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="lucius-hosts-"))
        self.network = Network(f"hosts-{os.getpid()}")
        self.hosts = {}
        names = [f"{role}-{number}" for role in ROLES for number in (1, 2)]
        at = {name: self.network.address(name) for name in ["temporal", "azurite", "bus", *names]}
        connection = (f"Endpoint=sb://{at['bus']};SharedAccessKeyName=RootManageSharedAccessKey;"
                      "SharedAccessKey=a-key-of-the-test;UseDevelopmentEmulator=true;")
        self.add("temporal", [os.environ["TEMPORAL"], "server", "start-dev", "--headless", "--ip",
                              "0.0.0.0", "--db-filename", str(self.directory / "temporal.db"),
                              "--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000"])
        self.add("azurite", [f"{os.environ['AZURITE']}/node_modules/.bin/azurite-table", "--tableHost",
                             "0.0.0.0", "--location", str(self.directory), "--skipApiVersionCheck",
                             "--disableTelemetry"])
        self.add("bus", self.luciusd(), LUCIUS_ROLE="bus", LUCIUS_BUS_LISTEN="0.0.0.0:5672",
                 LUCIUS_BUS_KEY="a-key-of-the-test")
        common = {
            "LUCIUS_STORAGE_BACKEND": os.environ.get("STORAGE", "ledger"),
            "LUCIUS_TABLE_CONNECTION": "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
                                       f"AccountKey={TABLE_KEY};"
                                       f"TableEndpoint=http://{at['azurite']}:10002/devstoreaccount1;",
            "LUCIUS_TEMPORAL_ADDRESS": f"{at['temporal']}:7233",
            "LUCIUS_SERVICEBUS_CONNECTION": connection,
            "LUCIUS_INVOKER_URL": ",".join(f"http://{at[f'invoker-{n}']}:8001" for n in (1, 2)),
            "LUCIUS_INVOKER_TOKEN": "token-of-the-test",
            "LUCIUS_HTTP_LISTEN": "0.0.0.0:8000", "LUCIUS_INVOKER_LISTEN": "0.0.0.0:8001",
            "LUCIUS_MAX_INFLIGHT_PER_TENANT": str(LIMIT), "LUCIUS_MAX_ATTEMPTS": "20",
            "LUCIUS_STEP_RESULT_TIMEOUT_SECONDS": "10", "LUCIUS_LEASE_MINUTES": "1",
            "LUCIUS_SWEEP_SECONDS": "5", "LUCIUS_RETRY_MAX_SECONDS": "5"}
        for name in names:
            self.add(name, self.luciusd(), LUCIUS_ROLE=name.split("-")[0], **common)
        for step, subscription in (("OCR", "distributed-ocr"), ("EMBEDDING", "vector-ingestion")):
            self.add(f"consumer-{step.lower()}",
                     [os.environ["CONSUMER"], "--step-type", step, "--concurrency", "4", "--", "sh",
                      "-c", "cat >/dev/null; echo '\"done\"'"],
                     SERVICEBUS_CONNECTION=connection, SERVICEBUS_TOPIC="global-bus-p0..15",
                     SERVICEBUS_SUBSCRIPTION=subscription)

    def luciusd(self):
        return [os.environ["LUCIUSD"], "--plugins-dir", os.environ["PLUGINS"]]

    def add(self, name, arguments, **environment):
        self.hosts[name] = Host(self, name, arguments, environment)

    def start(self):
        for name in ("temporal", "azurite", "bus"):
            self.hosts[name].start()
        self.hosts["azurite"].wait_text("successfully started")
        self.hosts["bus"].wait_text("daemon.ready")
        for host in self.hosts.values():
            if host.process is None:
                host.start()
        for name, host in self.hosts.items():
            if name.split("-")[0] in ROLES:
                host.wait_text("daemon.ready")
        for name in self.hosts:
            if name.startswith("consumer"):
                self.hosts[name].wait_text("lanes")

    def addresses(self):
        return [self.hosts[f"orchestrator-{number}"].address for number in (1, 2)]

    def look(self):
        answer = self.network.inside(self.network.host, sys.executable, __file__, "look",
                                     *self.addresses(), check=False)
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def close(self):
        for name in reversed(list(self.hosts)):
            self.hosts[name].stop()
        self.network.close()
        if self.is_good:  # else the logs are wanted
            shutil.rmtree(self.directory)


class Hosts(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.world.start()
        self.most = collections.Counter()
        arguments = ["ip", "netns", "exec", self.world.network.host, sys.executable, __file__, "load",
                     *self.world.addresses()]
        self.accepted_path = self.world.directory / "accepted"
        with open(self.accepted_path, "wb") as accepted:
            self.load = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=accepted)
        self.addCleanup(self.load.wait)
        self.addCleanup(self.load.kill)

    def accepted(self):
        return [json.loads(line) for line in self.accepted_path.read_text().splitlines()]

    def count_live(self):
        found = self.world.look()
        for tenant, jobs in (found or {}).items():
            live = sum(state not in TERMINAL for _, state in jobs)
            self.most[tenant] = max(self.most[tenant], live)
            self.assertLessEqual(live, LIMIT, f"live jobs of {tenant}")
        return found

    def let_pass(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.count_live()
            self.world.pause.wait(min(0.5, max(0, end - time.monotonic())))

    def cut_links(self, one, other, is_cut):
        """Between all hosts of the one kind and all of the other."""
        pairs = [(left, right) for left in self.world.hosts if left.split("-")[0] == one
                 for right in self.world.hosts if right.split("-")[0] == other]
        for pair in pairs:
            self.world.network.cut_link(*pair, is_cut)

    def faults(self):
        """(what is said, what is done, what mends it)"""
        network, hosts = self.world.network, self.world.hosts
        for name in hosts:
            if name not in ("azurite", "temporal"):  # whose data are in memory, or somebody else's
                yield f"{name} killed", hosts[name].kill, hosts[name].start
        for name in hosts:
            yield (f"{name} cut off", lambda name=name: network.cut(name, True),
                   lambda name=name: network.cut(name, False))
        for link in LINKS:
            yield (f"links {' – '.join(link)} cut", lambda link=link: self.cut_links(*link, True),
                   lambda link=link: self.cut_links(*link, False))

    def test_every_accepted_job_ends_whatever_is_killed_or_cut_off(self):
        self.let_pass(CALM_SECONDS)
        for said, do, mend in self.faults():
            before = len(self.accepted())
            do()
            self.let_pass(CUT_SECONDS if "cut" in said else 1)
            mend()
            self.let_pass(CALM_SECONDS)
            print(f"{said}: {len(self.accepted()) - before} jobs accepted meanwhile", flush=True)
        self.load.stdin.close()
        self.load.wait(timeout=END_BOUND)
        accepted = self.accepted()
        end = time.monotonic() + END_BOUND
        while True:
            found = self.count_live()
            states = {job: state for jobs in (found or {}).values() for job, state in jobs}
            open_jobs = [entry["job"] for entry in accepted if states.get(entry["job"]) not in TERMINAL]
            if not open_jobs:
                break
            if time.monotonic() > end:
                self.fail(f"{len(open_jobs)} of {len(accepted)} have not ended: {open_jobs[:5]}; "
                          f"logs in {self.world.directory}")
            self.world.pause.wait(0.5)
        self.assertEqual(len({entry["key"] for entry in accepted}), len(accepted))
        self.assertEqual(len({entry["job"] for entry in accepted}), len(accepted),
                         "two commands have the same job")
        extra = set(states) - {entry["job"] for entry in accepted}
        self.assertEqual(extra, set(), "there are jobs that no command has been told of")
        print(f"{len(accepted)} accepted, {collections.Counter(states.values())}, "
              f"most live at once {dict(self.most)}")
        self.world.is_good = True


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:
        load(sys.argv[2:])
    elif sys.argv[1:2] == ["look"]:
        look(sys.argv[2:])
    else:
        unittest.main(verbosity=2)
