# SPDX-License-Identifier: MIT
"""What the tests of the daemon with App Configuration share: a stand-in, commands and daemons beside
it, and the search of all that they said for the secrets that were used."""
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))

from server import AppConfig
from world import BOUND, LUCIUSD, PLUGINS, World, clean_environment

PLAIN = "a-secret-in-plain-c2VjcmV0"
BUS = ("Endpoint=sb://bus.example.net;SharedAccessKeyName=all;"
       "SharedAccessKey=YS1zZWNyZXQtb2YtdGhlLWJ1cw==")
TABLE = ("DefaultEndpointsProtocol=https;AccountName=a;"
         "AccountKey=YS1zZWNyZXQtb2YtdGhlLXRhYmxl;EndpointSuffix=core.windows.net")
HIDDEN = [PLAIN, "YS1zZWNyZXQtb2YtdGhlLWJ1cw", "YS1zZWNyZXQtb2YtdGhlLXRhYmxl",
          "a client secret of the tests", "a%20client%20secret", "a token of the tests",
          "a header of the tests", "secret-of-the-vault", "YSBzZWNyZXQgb2YgdGhlIHRlc3Rz"]


class SourceWorld(World):
    def setUp(self):
        super().setUp()
        self.said = []
        self.server = self.serve()
        self.addCleanup(self.check_said)

    def serve(self, **parts):
        server = AppConfig(**parts)
        self.addCleanup(server.stop)
        return server

    def check_said(self):
        """No output of any command or daemon has a secret in it, but for --print-env."""
        for text in self.said:
            for secret in HIDDEN:
                self.assertNotIn(secret, text)

    def environment(self, extra=None):
        return {"LUCIUS_APPCONFIG_CONNECTION": self.server.connection(),
                "LUCIUS_APPCONFIG_STARTUP_SECONDS": "1", **(extra or {})}

    def command(self, *arguments, environment=None):
        """(exit status, standard output, standard error) of a command that ends by itself."""
        done = subprocess.run([LUCIUSD, "--plugins-dir", PLUGINS, *arguments], text=True,
                              env=clean_environment(self.environment(environment)),
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=BOUND,
                              check=False)
        for report in ("AddressSanitizer", "runtime error:", "LeakSanitizer"):
            self.assertNotIn(report, done.stderr)
        self.said.append(done.stderr)
        if "--print-env" not in arguments:
            self.said.append(done.stdout)
        return done.returncode, done.stdout, done.stderr

    def checked(self, environment=None, arguments=()):
        """What --check-config says, by variable; it must be content."""
        status, out, err = self.command("--check-config", *arguments, environment=environment)
        self.assertEqual(status, 0, out + err)
        return self.read_check(out)

    @staticmethod
    def read_check(out):
        found = {}
        for line in out.splitlines():
            name, mark, rest = line.strip().partition(" = ")
            if mark and name.isupper():
                found[name] = rest
        return found

    def refused(self, *words, environment=None, arguments=("--check-config",), status=None):
        """A command that must fail and say those words."""
        got, out, err = self.command(*arguments, environment=environment)
        self.assertNotEqual(got, 0, out + err)
        self.assertLess(got, 128, out + err)
        if status is not None:
            self.assertEqual(got, status, err)
        for word in words:
            self.assertIn(word, err)
        return err

    def daemon(self, environment=None, ready=True):
        started = []  # once it has been stopped, and before check_said looks
        self.addCleanup(lambda: self.said.extend("\n".join(each.raw) for each in started))
        started.append(self.start(self.environment({"LUCIUS_APPCONFIG_REFRESH_SECONDS": "1",
                                                    **(environment or {})}), ready=ready))
        return started[0]

    @staticmethod
    def wait_taken(lucius, variable, value):
        """The daemon has taken up that value, and all that it has read with it."""
        words = f"{variable} is now '{value}'"
        end = time.monotonic() + BOUND
        with lucius.changed:
            while True:
                for place, line in enumerate(lucius.lines):
                    if line.get("event") == "config.option" and words in line["message"]:
                        break
                else:
                    left = end - time.monotonic()
                    if left <= 0:
                        raise AssertionError(f"not said: {words}\n" + "\n".join(lucius.raw[-30:]))
                    lucius.changed.wait(min(left, 1))
                    continue
                break
        lucius.wait_line("config.read", after=place)

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path


__all__ = ["SourceWorld", "PLAIN", "BUS", "TABLE", "HIDDEN", "BOUND", "PLUGINS", "LUCIUSD",
           "clean_environment"]
