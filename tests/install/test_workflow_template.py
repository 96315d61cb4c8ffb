#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The template of a workflow engine, built from an installed tree and driven by the installed daemon."""
import os
import pathlib
import sys
import unittest

from installed import SOURCE, Installed


def world_of(prefix, plugins):
    """The worlds of the integration tests, over the installed tree."""
    os.environ.update({"LUCIUS_TEST_LUCIUSD": str(prefix / "bin/luciusd"),
                       "LUCIUS_TEST_CONSUMER": str(prefix / "bin/lucius-consumer"),
                       "LUCIUS_TEST_PLUGINS": str(plugins)})
    sys.path.insert(0, str(SOURCE / "tests/integration"))
    import world
    return world


class WorkflowTemplate(Installed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        world = world_of(cls.prefix, cls.plugins)
        # Its starting and stopping of processes, borrowed for this test.
        for name, member in vars(world.World).items():
            if name not in ("setUp", "maxDiff") and not name.startswith("__"):
                setattr(cls, name, member)

    def install(self):
        folder = self.copy_template("workflow")
        module = self.build(folder)
        said = self.said(["lucius-plugin-check", str(module)]).splitlines()
        self.assertRegex(said[0], r"^workflow-mine 1, ABI ")
        self.assertRegex(said[-1], r"^workflow against .*: \d+ passed, 0 failed, 0 skipped$")
        self.ran(["meson", "install", "-C", "build"], cwd=folder)
        self.assertTrue(pathlib.Path(self.plugins, "workflow-mine.so").is_file())

    def test_it_runs_jobs_repeats_what_failed_and_stops(self):
        self.install()
        lucius = self.start({"LUCIUS_WORKFLOW_BACKEND": "mine", "LUCIUS_MAX_ATTEMPTS": "2"})
        self.consume(lucius, "distributed-ocr", arguments=["--handler", "noop"])
        self.consume(lucius, "vector-ingestion", [self.script("failing", "exit 75\n")])
        good = [lucius.orchestrate(input_ref=str(i)).json["jobId"] for i in range(20)]
        bad = lucius.orchestrate(request_type="OCR->EMBEDDING").json["jobId"]
        for job_id in good:
            whole = lucius.wait_state(job_id, "SUCCEEDED")
            self.assertEqual([step["attempt_no"] for step in whole["steps"]], [1])
        self.assertEqual(lucius.wait_state(bad, "FAILED_FINAL")["job"]["attempts_total"], 3)
        self.assertEqual(lucius.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
