# SPDX-License-Identifier: MIT
"""Microsoft's own SDKs, unmodified, as platform consumers of both steps of a job."""
import json
import os
import subprocess
import zlib

from world import BOUND, SDK, SOURCE, World, unittest

PYTHON = os.path.join(SDK, "python-{}", "bin", "python")
NODE_MODULES = os.path.join(SDK, "node-7.9.5")


class SdkConsumers(World):
    def python_consumer(self, release, lucius, subscription, output_ref):
        return self.run_program([
            PYTHON.format(release), os.path.join(SOURCE, "tests/sdk/python/platform_consumer.py"),
            lucius.connection, subscription, "7", output_ref])

    def node_consumer(self, lucius, subscription, output_ref):
        return self.run_program([
            "node", os.path.join(SOURCE, "tests/sdk/node/platform_consumer.mjs"), NODE_MODULES,
            lucius.connection, subscription, "7", output_ref])

    def run_job(self, lucius, ocr, embedding):
        job_id = lucius.orchestrate(request_type="OCR->EMBEDDING").json["jobId"]
        whole = lucius.wait_state(job_id, "SUCCEEDED", "FAILED_FINAL")
        self.assertEqual(whole["job"]["state"], "SUCCEEDED", whole)
        for consumer in (ocr, embedding):
            self.assertEqual(consumer.wait(BOUND), 0)
        return whole

    def test_python_sdk_that_settles_without_waiting(self):
        lucius = self.start()
        whole = self.run_job(
            lucius, self.python_consumer("7.14.3", lucius, "distributed-ocr", "text"),
            self.python_consumer("7.14.3", lucius, "vector-ingestion", "vectors"))
        self.assertEqual(whole["job"]["final_output"], "vectors")
        self.assertEqual(lucius.stop(), 0)

    def test_python_sdk_for_one_step_and_javascript_for_the_other(self):
        lucius = self.start()
        whole = self.run_job(
            lucius, self.python_consumer("7.15.0", lucius, "distributed-ocr", "text"),
            self.node_consumer(lucius, "vector-ingestion", "vectors"))
        self.assertEqual(whole["steps"][0]["result_ref"], "text")
        self.assertEqual(whole["steps"][1]["result_ref"], {"uri": "vectors"})
        self.assertEqual(whole["job"]["final_output"], "vectors")
        self.assertEqual(lucius.stop(), 0)

    def test_reply_that_the_bus_dead_lettered_is_read_back_and_ours_stay(self):
        tenant = next(t for t in map(str, range(1000)) if zlib.crc32(t.encode()) % 16 == 0)
        bus = self.start({"LUCIUS_HEALTH_LISTEN": "127.0.0.1:0"}, ["--role", "bus"])
        settings = {
            "LUCIUS_SERVICEBUS_CONNECTION": bus.connection, "LUCIUS_BUS_LISTEN": "",
            "LUCIUS_STORAGE_BACKEND": "sqlite", "LUCIUS_REPLY_DLQ_SECONDS": "1",
            "LUCIUS_SQLITE_FILE": os.path.join(self.folder, "jobs.db")}
        lucius = self.start(settings)
        job_id = lucius.orchestrate(tenant_id=tenant).json["jobId"]
        lucius.wait_line("directive.published", job_id=job_id)
        lucius.kill()
        hand = [PYTHON.format("7.15.0"),
                os.path.join(SOURCE, "tests/sdk/python/dead_letter_reply.py"), bus.connection, "0"]
        subprocess.run([*hand, "bury"], check=True, timeout=BOUND)
        lucius = self.start(settings)
        whole = lucius.wait_state(job_id, "SUCCEEDED", tenant=tenant)
        self.assertEqual(whole["job"]["final_output"], "buried")
        lucius.wait_line("reply.read_back")
        self.assertEqual(lucius.stop(), 0)
        left = subprocess.run([*hand, "count"], check=True, timeout=BOUND,
                              capture_output=True).stdout
        self.assertEqual(json.loads(left), ["NotAReply"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
