#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The stand-in is believed because Microsoft's clients and providers work against it unchanged, over
TLS. Called with the directory that scripts/install-config-clients has filled."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import certificates
from server import AppConfig

CLIENTS = pathlib.Path(__file__).parent / "clients"
SDK = pathlib.Path()
BOUND = 120


class Clients(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lucius-appconfig-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        context, self.authority = certificates.make(self.folder)
        self.server = AppConfig(page_size=3, tls=context)
        self.addCleanup(self.server.stop)

    def judge(self, *command, **extra):
        environment = {**os.environ, "CONNECTION": self.server.connection(),
                       "NODE_EXTRA_CA_CERTS": self.authority,
                       "REQUESTS_CA_BUNDLE": self.authority, "NO_PROXY": "localhost", **extra}
        done = subprocess.run(command, env=environment, capture_output=True, text=True,
                              timeout=BOUND, check=False)
        statuses = [(method, target, status) for method, target, status in self.server.requests
                    if status not in (200, 304)]
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}\n{statuses}")
        self.assertEqual(done.stdout, "good\n")
        self.assertGreater(len(self.server.requests), 20)
        self.assertIn(304, {status for _, _, status in self.server.requests})

    def test_javascript_client_and_provider_work_unchanged(self):
        modules, = SDK.glob("config-node-*/node_modules")
        self.judge("node", str(CLIENTS / "client.cjs"), NODE_PATH=str(modules))

    def test_python_client_and_provider_work_unchanged(self):
        python, = SDK.glob("config-python-*/bin/python")
        self.judge(str(python), str(CLIENTS / "client.py"))


if __name__ == "__main__":
    SDK = pathlib.Path(sys.argv[1])
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
