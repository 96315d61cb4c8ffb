#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/plugin-tutorial.md, word for word: every command of it in one shell, from an installed tree."""
import re
import socket
import unittest

from installed import SOURCE, Installed


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Tutorial(Installed):
    def test_the_commands_of_the_tutorial_do_what_it_says(self):
        text = (SOURCE / "docs/plugin-tutorial.md").read_text(encoding="utf-8")
        blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
        self.assertGreater(len(blocks), 6)
        # What is started in the background ends with the shell, however that ends.
        script = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
        script += "\n".join(blocks)
        said = self.ran(["bash", "-c", script], environment={"PORT": str(free_port())}).stdout
        self.assertRegex(said, r"storage against build/storage-mine\.so: \d+ passed, 0 failed")
        self.assertIn("storage-mine 1 (ABI ", said)
        self.assertIn("LUCIUS_MINE_MAX_JOBS", said)
        self.assertRegex(said, r'"state": *"CANCEL')
        self.assertIn("FAIL a_save_on_an_old_revision_changes_nothing", said)
        self.assertRegex(said, r"storage against build/storage-shelf\.so: \d+ passed, 0 failed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
