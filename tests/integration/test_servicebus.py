# SPDX-License-Identifier: MIT
"""The daemon with bus-servicebus against a bus in a process of its own, also when that goes away."""
import base64
import hmac
import http.client
import re
import socket
import subprocess
import threading
import time
import urllib.parse

from world import BOUND, EMULATOR, LUCIUSD, PLUGINS, World, clean_environment, unittest

# What the daemon asks for on each of its lanes.
LANES, LANE_CREDIT = 16, 128
OK = 'cat >/dev/null; echo \'"{}"\''


def free_port():
    """A port that is free now: the bus must come back on the same one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ready_token(seconds):
    """As whoever has the key signs it for the whole namespace."""
    scope = urllib.parse.quote("sb://localhost", safe="")
    end = int(time.time()) + seconds
    digest = hmac.new(b"SAS_KEY_VALUE", f"{scope}\n{end}".encode(), "sha256").digest()
    signature = urllib.parse.quote(base64.b64encode(digest), safe="")
    return (f"SharedAccessSignature sr={scope}&sig={signature}&se={end}"
            "&skn=RootManageSharedAccessKey")


def ready_connection(port, seconds):
    """With a token instead of a key."""
    return (f"Endpoint=sb://localhost:{port};UseDevelopmentEmulator=true;"
            f"SharedAccessSignature={ready_token(seconds)}")


class ServiceBus(World):
    def start_bus(self, port=0):
        bus = self.start({"LUCIUS_BUS_LISTEN": f"127.0.0.1:{port}",
                          "LUCIUS_HEALTH_LISTEN": "127.0.0.1:0"}, ["--role", "bus"])
        bus.wait_line("bus.listening")
        return bus

    def start_on(self, connection, environment=None, ready=True):
        settings = {"LUCIUS_SERVICEBUS_CONNECTION": connection, "LUCIUS_BUS_LISTEN": ""}
        settings.update(environment or {})
        return self.start(settings, ready=ready)

    def metric(self, daemon, name):
        """Its value; several, by label, are added."""
        # A bus alone has no public API; both have this one.
        text = daemon.ask("GET", "/metrics", port=daemon.invoker_port).body.decode()
        values = re.findall(rf"^lucius_bus_{name}(?:{{[^}}]*}})? (\S+)$", text, re.M)
        self.assertTrue(values, f"no {name} in: {text}")
        return sum(float(value) for value in values)

    def wait_metric(self, daemon, name, value):
        """Until it has that value: gauges are told every few seconds, and asked for over HTTP."""
        end = time.monotonic() + BOUND
        pause = threading.Event()
        while self.metric(daemon, name) != value:
            self.assertLess(time.monotonic(), end, f"{name} is not {value}")
            pause.wait(0.05)

    def test_all_lanes_share_one_connection(self):
        bus = self.start_bus()
        lucius = self.start_on(bus.connection)
        self.wait_metric(lucius, "servicebus_credits", LANES * LANE_CREDIT)
        self.wait_metric(bus, "local_connections", 1)
        self.assertEqual(lucius.stop(), 0)
        self.assertEqual(bus.stop(), 0)

    def test_a_job_of_two_steps_goes_over_another_process(self):
        bus = self.start_bus()
        lucius = self.start_on(bus.connection)
        lucius.wait_line("servicebus.connected")
        self.consume(bus, "distributed-ocr", [self.script("ocr", OK.format("text"))],
                     arguments=["--step-type", "OCR"])
        self.consume(bus, "vector-ingestion", [self.script("emb", OK.format("vectors"))],
                     arguments=["--step-type", "EMBEDDING"])
        job_id = lucius.orchestrate(request_type="OCR->EMBEDDING", payload={
            "steps": {"ocr": {}, "embedding": {"model": "m"}}}).json["jobId"]
        whole = lucius.wait_state(job_id, "SUCCEEDED", "FAILED_FINAL")
        self.assertEqual(whole["job"]["state"], "SUCCEEDED", whole)
        self.assertEqual(whole["job"]["final_output"], "vectors")
        self.assertEqual(lucius.ask("GET", "/readyz").status, 200)
        for name in ("credits", "unsettled", "locks_lost", "reconnects",
                     "send_seconds_count", "sent", "received", "settled", "renewals"):
            self.metric(lucius, "servicebus_" + name)
        self.assertEqual(lucius.stop(), 0)
        # Whatever came is settled: nothing waits for the end of a lock.
        self.wait_metric(bus, "local_locked", 0)
        self.assertEqual(bus.stop(), 0)

    def test_a_ready_token_is_as_good_as_the_key(self):
        bus = self.start_bus()
        lucius = self.start_on(ready_connection(bus.bus_port, 600))
        lucius.wait_line("servicebus.connected")
        self.consume(bus, "distributed-ocr", [self.script("ocr", OK.format("text"))])
        whole = lucius.wait_state(lucius.orchestrate().json["jobId"], "SUCCEEDED", "FAILED_FINAL")
        self.assertEqual(whole["job"]["state"], "SUCCEEDED", whole)
        self.assertEqual(lucius.stop(), 0)
        self.assertEqual(bus.stop(), 0)

    def test_a_ready_token_that_has_ended_makes_not_ready(self):
        bus = self.start_bus()
        lucius = self.start_on(ready_connection(bus.bus_port, -60), ready=False)
        lucius.wait_line("servicebus.refused")
        lucius.wait_line("replies.unsubscribed", message="the token has expired")
        answer = lucius.ask("GET", "/readyz")
        self.assertEqual(answer.status, 503)
        self.assertIn("denies us", answer.body.decode())
        self.assertIn("global-bus-replies-p0/Subscriptions/lucius-invoker", answer.body.decode())
        self.assertEqual(lucius.stop(), 0)
        self.assertEqual(bus.stop(), 0)

    def test_a_bus_that_dies_makes_not_ready_and_comes_back(self):
        port = free_port()
        bus = self.start_bus(port)
        lucius = self.start_on(EMULATOR.format(port=port), {
            "LUCIUS_STEP_RESULT_TIMEOUT_SECONDS": "5", "LUCIUS_RETRY_INITIAL_SECONDS": "1"})
        lucius.wait_line("servicebus.connected")
        bus.kill()
        lucius.wait_line("servicebus.disconnected")
        answer = lucius.ask("GET", "/readyz")
        self.assertEqual(answer.status, 503)
        self.assertIn("not connected", answer.body.decode())
        # What is accepted meanwhile is published when the bus is there again.
        job_id = lucius.orchestrate().json["jobId"]
        n_before = len(lucius.events("servicebus.connected"))
        bus = self.start_bus(port)
        self.consume(bus, "distributed-ocr", [self.script("ocr", OK.format("late"))])
        whole = lucius.wait_state(job_id, "SUCCEEDED", "FAILED_FINAL")
        self.assertEqual(whole["job"]["state"], "SUCCEEDED", whole)
        self.assertGreater(len(lucius.events("servicebus.connected")), n_before)
        self.assertEqual(lucius.ask("GET", "/readyz").status, 200)
        self.assertEqual(lucius.stop(), 0)

    def test_a_daemon_that_starts_before_its_bus_finds_it(self):
        port = free_port()
        lucius = self.start_on(EMULATOR.format(port=port), ready=False)
        lucius.wait_line("servicebus.disconnected")
        self.start_bus(port)
        lucius.wait_line("servicebus.connected")
        lucius.wait_line("daemon.ready")
        self.assertEqual(lucius.stop(), 0)

    def start_managed_bus(self):
        """One that makes nothing by itself, and the settings of who makes something there."""
        bus = self.start({
            "LUCIUS_BUS_LISTEN": "127.0.0.1:0", "LUCIUS_HEALTH_LISTEN": "127.0.0.1:0",
            "LUCIUS_BUS_MANAGEMENT_LISTEN": "127.0.0.1:0", "LUCIUS_BUS_AUTO_SUBSCRIPTIONS": "false",
        }, ["--role", "bus"])
        port = re.search(r"port (\d+)", bus.wait_line("bus.management_listening")["message"])[1]
        return bus, int(port), {
            "LUCIUS_SERVICEBUS_MANAGEMENT_URL": f"http://localhost:{port}",
            "LUCIUS_SERVICEBUS_REPLY_PREFIX": "made-replies-p",
            "LUCIUS_SERVICEBUS_REPLY_SUBSCRIPTION": "made-reader"}

    def test_provision_makes_what_readiness_has_named_as_missing(self):
        bus, port, settings = self.start_managed_bus()
        authorized = {"Authorization": ready_token(600), "Host": f"localhost:{port}"}
        gone = ("global-bus-p3", "global-bus-p12")
        for topic in gone:
            self.assertEqual(
                self.ask_management(port, "DELETE", f"/{topic}", None, authorized)[0], 200)
        lucius = self.start_on(bus.connection, settings, ready=False)
        for topic in gone:
            lucius.wait_line("servicebus.refused", message=(
                f"the broker refuses '{topic}': The messaging entity '{topic}' could not be "
                "found.; it is asked again from time to time"))
        for lane in range(16):
            lucius.wait_line("servicebus.refused", message=(
                f"the broker refuses 'made-replies-p{lane}/Subscriptions/made-reader': The "
                f"messaging entity 'made-replies-p{lane}' could not be found.; it is asked again "
                "from time to time"))
        missing = lucius.ask("GET", "/readyz")
        self.assertEqual(missing.status, 503)
        for topic in gone:
            self.assertIn(f'"{topic}"', missing.body.decode())
        for lane in range(16):
            self.assertIn(f"made-replies-p{lane}/Subscriptions/made-reader",
                          missing.body.decode())
        lucius.kill()
        settings["LUCIUS_SERVICEBUS_CONNECTION"] = bus.connection
        for _ in range(2):
            # The second time finds everything there.
            made = subprocess.run(
                [LUCIUSD, "--plugins-dir", PLUGINS, "--provision"], timeout=BOUND,
                env=clean_environment(settings), capture_output=True, check=False)
            self.assertEqual(made.returncode, 0, made.stderr)
        lucius = self.start_on(bus.connection, settings)
        self.assertEqual(lucius.ask("GET", "/readyz").status, 200)
        self.assertEqual(lucius.stop(), 0)
        self.assertEqual(bus.stop(), 0)

    def ask_management(self, port, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=BOUND)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (http.client.RemoteDisconnected, ConnectionError):
            return "hung up", b""
        finally:
            connection.close()

    def test_management_answers_strangers_and_nonsense_with_refusals(self):
        bus, port, _ = self.start_managed_bus()
        self.assertEqual(self.ask_management(port, "GET", "/health")[0], 200)
        self.assertEqual(self.ask_management(port, "GET", "/$Resources/Topics")[0], 401)
        wrong = {"Authorization": "SharedAccessSignature sr=a&sig=b&se=99999999999&skn=nobody"}
        self.assertEqual(self.ask_management(port, "PUT", "/t", b"<entry/>", wrong)[0], 401)
        self.assertIn(
            self.ask_management(port, "PUT", "/t", b"x" * 300000, wrong)[0], (413, "hung up"))
        long = {"Authorization": "x" * 60000}
        self.assertIn(self.ask_management(port, "GET", "/t", None, long)[0], (400, 413, 431, "hung up"))
        # More connections than it takes wait until others have gone.
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
        for one in idle:
            one.close()
        self.assertEqual(self.ask_management(port, "GET", "/health")[0], 200)
        self.assertEqual(bus.stop(), 0)

    def test_no_line_of_the_log_has_the_key(self):
        port = free_port()
        lucius = self.start_on(EMULATOR.format(port=port), ready=False)
        lucius.wait_line("servicebus.disconnected")
        lucius.stop()
        for line in lucius.raw:
            self.assertNotIn("SAS_KEY_VALUE", line)
            self.assertIsNone(re.search(r"[?&]sig=", line))


if __name__ == "__main__":
    unittest.main()
