#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The images and both compose files, run by containers.py. Needs root and what scripts/image-test
sets up: IMAGES (scripts/build-images' directory), COMPOSE_CONFIG, TEMPORAL, AZURITE, MODEL_PYTHON."""
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest

import containers

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOUND = 90
NUMBERS = itertools.count()
PAGE = ROOT / "share/sample/page.png"
DAEMONS = ["lucius-orchestrator", "lucius-temporal-worker", "lucius-invoker"]
CONSUMERS = ["distributed-ocr", "vector-ingestion"]
# What an operator may set, by the operations canvas.
DAEMONS_VARIABLES = [
    "LUCIUS_TEMPORAL_ADDRESS", "LUCIUS_TEMPORAL_NAMESPACE", "LUCIUS_TEMPORAL_TASK_QUEUE",
    "LUCIUS_TEMPORAL_ENABLED", "LUCIUS_TEMPORAL_WORKFLOW_EXECUTION_TIMEOUT",
    "LUCIUS_SERVICEBUS_CONNECTION", "LUCIUS_SERVICEBUS_REPLY_PREFIX",
    "LUCIUS_SERVICEBUS_REPLY_SUBSCRIPTION", "LUCIUS_MAX_ATTEMPTS",
    "LUCIUS_STEP_RESULT_TIMEOUT_SECONDS", "LUCIUS_LEASE_MINUTES", "LUCIUS_STORAGE_BACKEND",
    "LUCIUS_TABLE_CONNECTION", "LUCIUS_MAX_INFLIGHT_PER_TENANT", "LUCIUS_JOBS_TABLE",
    "LUCIUS_STEPS_TABLE", "LUCIUS_IDEMPOTENCY_TABLE", "LUCIUS_JOB_INDEX_TABLE",
    "LUCIUS_INFLIGHT_TABLE", "LUCIUS_LEDGER_TABLE", "LUCIUS_APPCONFIG_CONNECTION"]
CONSUMERS_VARIABLES = ["SERVICEBUS_CONNECTION", "SERVICEBUS_TOPIC", "SERVICEBUS_SUBSCRIPTION",
                       "SERVICEBUS_REPLY_PREFIX"]
# Two services cannot share a subscription: each would miss what the other took.
SUBSCRIPTIONS = {("vector-ingestion", "SERVICEBUS_SUBSCRIPTION"): "vector-ingestion"}


def read_compose(name, **variables):
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/root"), **variables}
    return json.loads(containers.command(os.environ["COMPOSE_CONFIG"], str(ROOT / name),
                                         env=environment).stdout)


def shell_blocks(path):
    """The bash blocks of a document, word for word."""
    return re.findall(r"```bash\n(.*?)```", (ROOT / path).read_text(), re.DOTALL)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.images = containers.Images(os.environ["IMAGES"])
        cls.addClassCleanup(cls.images.close)

    def stack(self, project, **options):
        stack = containers.Stack(project, self.images, dict(os.environ),
                                 label=f"{os.getpid()}-{next(NUMBERS)}", **options)
        self.addCleanup(stack.close)
        return stack

    def curl(self, stack, *arguments):
        return json.loads(stack.on_host("curl", "-s", *arguments).stdout)

    def wait_job(self, stack, job, state="SUCCEEDED"):
        end = time.monotonic() + BOUND
        while True:
            answer = self.curl(stack, f"http://localhost:8000/v1/jobs/{job}?tenant_id=t1")
            if answer["job"]["state"] == state:
                return answer
            if time.monotonic() > end or answer["job"]["state"] in ("FAILED_FINAL", "CANCELLED"):
                raise AssertionError(answer)
            stack.pause.wait(0.1)


class Sizes(Case):
    def size(self, image):
        root, _ = self.images.mount(image)
        return int(containers.command("du", "-sxb", root).stdout.split()[0])

    def test_the_daemon_with_all_its_libraries_is_small(self):
        base = self.size("docker.io/library/debian:12-slim")
        print(f"the base has {base / 1e6:.1f} MB")
        for name in ("lucius-orchestrator", "lucius-consumer"):
            over = (self.size(f"localhost/lucius/{name}:local") - base) / 1e6
            print(f"{name} has {over:.1f} MB over its base")
            if name == "lucius-orchestrator":
                self.assertLess(over, 15)


class Single(Case):
    def test_it_is_ready_soon_and_keeps_jobs_over_a_restart(self):
        stack = self.stack(read_compose("compose.single.yml"))
        seconds = stack.up()["lucius"]
        print(f"container start to ready: {stack.services['lucius'].ready_ms():.0f} ms, "
              f"healthy after {seconds * 1000:.0f} ms (with the runner's own steps)")
        block = next(block for block in shell_blocks("README.md") if '"OCR"' in block)
        job = json.loads(stack.on_host("bash", "-c", block).stdout)["jobId"]
        self.assertEqual(stack.services["lucius"].stop(), 0)
        stack.services["lucius"].start()
        stack.services["lucius"].wait_healthy()
        answer = self.curl(stack, f"http://localhost:8000/v1/jobs/{job}?tenant_id=t1")
        self.assertEqual(answer["job"]["job_id"], job)

    def test_the_container_runs_without_privileges_on_a_read_only_root(self):
        stack = self.stack(read_compose("compose.single.yml"))
        stack.up()
        service = stack.services["lucius"]
        self.assertIn("uid=10001", service.execute("id").stdout)
        self.assertIn("Read-only", service.execute("touch", "/usr/x").stderr)
        status = service.execute("cat", "/proc/1/status").stdout
        self.assertIn("NoNewPrivs:\t1", status)
        self.assertIn("CapBnd:\t0000000000000000", status)
        self.assertEqual(service.execute("cat", "/proc/1/comm").stdout.strip(), "luciusd")

    def test_secrets_come_from_files(self):
        project = read_compose("compose.single.yml")
        environment = project["services"]["lucius"]["environment"]
        environment["LUCIUS_INVOKER_TOKEN_FILE"] = "/var/lib/lucius/token"
        stack = self.stack(project)
        token = stack.volume("lucius") / "token"
        token.write_text("the-token\n")
        stack.up()
        refused = stack.services["lucius"].execute("luciusd", "--health")
        self.assertEqual(refused.returncode, 0, refused.stderr)
        answer = stack.on_host("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST",
                               f"http://{stack.network.address('lucius')}:8001/v1/internal/jobs/outcome")
        self.assertEqual(answer.stdout, "401")
        self.assertNotIn("the-token", stack.services["lucius"].text())


class EntryPoint(Case):
    def run_image(self, arguments, environment=None, image="lucius/lucius-orchestrator:local"):
        project = {"services": {"run": {"image": image, "command": arguments, "tmpfs": ["/tmp"],
                                        "environment": environment or {}, "read_only": True}}}
        stack = self.stack(project)
        stack.services["run"].start()
        return stack.services["run"]

    def end_of(self, service):
        return service.process.wait(timeout=BOUND)

    def test_the_invokers_command_of_the_canvas_names_the_storage_it_needs(self):
        """`docker run` of docs/deployment.md, word for word."""
        block = next(block for block in shell_blocks("docs/deployment.md") if "uvicorn" in block)
        words = [word for word in block.replace("\\\n", " ").split() if word != "docker"]
        environment = dict(pair.strip('"').split("=", 1) for pair in re.findall(r"-e (\S+)", block))
        environment = {name: value.strip('"') for name, value in environment.items()}
        environment["LUCIUS_SERVICEBUS_CONNECTION"] = (
            "Endpoint=sb://127.0.0.1;SharedAccessKeyName=a;SharedAccessKey=YQ==;"
            "UseDevelopmentEmulator=true;")
        service = self.run_image(words[words.index("uvicorn"):], environment)
        self.assertEqual(self.end_of(service), 78)
        self.assertIn("is served by luciusd in the role invoker", service.text())
        self.assertIn("LUCIUS_STORAGE_BACKEND", service.text())

    def test_other_forms_name_their_roles(self):
        for arguments, role in ((["uvicorn", "api.app:create_app", "--port", "8000"], "orchestrator"),
                                (["python", "-m", "temporal_worker.main"], "worker")):
            service = self.run_image(arguments)
            self.assertEqual(self.end_of(service), 78)
            self.assertIn(f"in the role {role}", service.text())

    def test_a_command_that_names_no_role_is_refused(self):
        service = self.run_image(["uvicorn", "shop.web:create"])
        self.assertEqual(self.end_of(service), 78)
        self.assertIn("'shop.web:create' names none of the roles", service.text())

    def test_options_and_programs_are_passed_on(self):
        service = self.run_image(["--version"])
        self.assertEqual(self.end_of(service), 0)
        self.assertIn("plugin ABI", service.text())
        service = self.run_image(["luciusd", "--list-plugins"])
        self.assertEqual(self.end_of(service), 0)
        for plugin in ("storage-sqlite", "bus-servicebus", "workflow-temporal"):
            self.assertRegex(service.text(), f"(?m)^{plugin} ")
        self.assertNotIn("cannot be loaded", service.text())


def stand_ins():
    """Images of others, by the same programs from their package registries."""
    def temporal(service):
        data = service.stack.volume("temporal")
        arguments = [argument.replace("/data", str(data)) for argument in service.settings["command"]]
        options = ["--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000"]
        return [os.environ["TEMPORAL"], *arguments, *options]

    def azurite(service):
        data = service.stack.volume("azurite")
        name, *arguments = [argument.replace("/data", str(data))
                            for argument in service.settings["command"]]
        return [f"{os.environ['AZURITE']}/node_modules/.bin/{name}", *arguments]
    return {"temporalio/temporal": temporal, "mcr.microsoft.com/azure-storage/azurite": azurite}


class Compose(Case):
    def start_model(self, stack):
        """The embeddings service, on the host that the containers run on."""
        arguments = ["ip", "netns", "exec", stack.network.host, os.environ["MODEL_PYTHON"],
                     str(ROOT / "scripts/demo/embedding_server.py"), "--host", "10.77.0.1", "--port",
                     "9000"]
        server = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        for line in server.stdout:
            if line.startswith("listening on"):
                return
        raise AssertionError("the embeddings service has ended")

    def start(self):
        environment = {"EMBEDDING_URL": "http://10.77.0.1:9000/v1/embeddings",
                       "EMBEDDING_MODEL": "all-MiniLM-L6-v2"}
        stack = self.stack(read_compose("docker-compose.yml", **environment), stand_ins=stand_ins())
        self.start_model(stack)
        print({name: f"{seconds:.2f} s" for name, seconds in stack.up().items()})
        for name in ("distributed-ocr", "vector-ingestion"):
            stack.services[name].wait_text("lanes")
        return stack

    def test_the_canvas_runs_on_the_services(self):
        stack = self.start()
        shutil.copy(PAGE, stack.volume("documents") / "page.png")
        for kind in ('"OCR"', '"OCR->EMBEDDING"'):
            block = next(block for block in shell_blocks("README.md") if kind in block)
            accepted = json.loads(stack.on_host("bash", "-c", block).stdout)
            self.assertRegex(accepted["jobId"], "^[0-9a-f]{32}$")
        command = {"tenant_id": "t1", "request_type": "OCR->EMBEDDING", "schema_version": "v1",
                   "input_ref": "file:///documents/page.png", "output_ref": "file:///documents/",
                   "payload": {"steps": {"ocr": {"output_format": "TEXT"},
                                         "embedding": {"model": "all-MiniLM-L6-v2"}}}}
        job = self.curl(stack, "-X", "POST", "http://localhost:8000/v1/orchestrate", "-H",
                        "Content-Type: application/json", "-d", json.dumps(command))["jobId"]
        answer = self.wait_job(stack, job)
        self.assertEqual([step["state"] for step in answer["steps"]], ["SUCCEEDED", "SUCCEEDED"])
        vector = json.loads((stack.volume("documents") / f"{job}.embedding.json").read_text())
        self.assertEqual(len(vector["chunks"][0]["embedding"]), 384)
        self.assertIn("routing.resolved", stack.services["lucius-orchestrator"].text())
        statuses = stack.down()
        ours = {name: status for name, status in statuses.items() if name not in ("temporal", "azurite")}
        self.assertEqual(set(ours.values()), {0}, statuses)

    def test_nothing_is_published_but_the_api(self):
        project = read_compose("docker-compose.yml")
        published = {name: [port["published"] for port in service.get("ports") or []]
                     for name, service in project["services"].items()}
        self.assertEqual({name: ports for name, ports in published.items() if ports},
                         {"lucius-orchestrator": ["8000"]})

    def test_each_variable_of_the_canvas_reaches_the_services_that_know_it(self):
        given = {name: f"value-of-{name}" for name in [*DAEMONS_VARIABLES, *CONSUMERS_VARIABLES]}
        services = read_compose("docker-compose.yml", **given)["services"]
        for names, variables in ((DAEMONS, DAEMONS_VARIABLES), (CONSUMERS, CONSUMERS_VARIABLES)):
            for name, variable in itertools.product(names, variables):
                self.assertEqual(services[name]["environment"].get(variable),
                                 SUBSCRIPTIONS.get((name, variable), given[variable]), f"{name} {variable}")

    def test_a_bus_in_the_cloud_is_the_consumers_too(self):
        services = read_compose("docker-compose.yml",
                                LUCIUS_SERVICEBUS_CONNECTION="Endpoint=sb://x")["services"]
        for name in CONSUMERS:
            environment = services[name]["environment"]
            self.assertEqual(environment["SERVICEBUS_CONNECTION"], "Endpoint=sb://x")
            self.assertEqual(environment["SERVICEBUS_TOPIC"], "global-bus-p0..15")


if __name__ == "__main__":
    unittest.main(verbosity=2)
