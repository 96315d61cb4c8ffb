# SPDX-License-Identifier: MIT
"""The daemon with bus-servicebus against a bus in a process of its own, also when that goes away."""
import re
import socket

from world import EMULATOR, World, unittest

OK = 'cat >/dev/null; echo \'"{}"\''


def free_port():
    """A port that is free now: the bus must come back on the same one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
        metrics = lucius.ask("GET", "/metrics").body.decode()
        self.assertIn("lucius_bus_servicebus_", metrics)
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
