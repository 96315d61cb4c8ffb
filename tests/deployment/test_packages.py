#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Debian packages on an empty Debian: installed from a repository, started as the unit says,
upgraded and rolled back with jobs under way, purged. Needs root.
Called with a directory that has the folders old/ and new/ of packages, of two versions."""
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import unittest

WORK = pathlib.Path()
BOUND = 60
SPACE = f"lucius-packages-{os.getpid()}"
UNIT = "usr/lib/systemd/system/lucius.service"
JOBS = 40


def call(*arguments, **options):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, **options).stdout


def unit_value(text, name):
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


class Machine:
    """A root directory with Debian on it, in a mount and network name space of its own."""

    def __init__(self):
        self.root = WORK / "root"
        self.daemon = None
        self.consumer = None
        call("ip", "netns", "add", SPACE)
        call("ip", "netns", "exec", SPACE, "ip", "link", "set", "lo", "up")
        sources = [f"deb [trusted=yes] copy:{WORK}/{name} ./" for name in ("old", "new")]
        if not self.root.exists():
            call("mmdebstrap", "--quiet", "--mode=root", "--variant=apt",
                 "--include=systemd,curl,ca-certificates", "bookworm", str(self.root))
        self.write("etc/apt/sources.list.d/lucius.list", "\n".join(sources).replace(
            str(WORK), "/packages") + "\n")
        for name in ("old", "new"):
            target = self.root / "packages" / name
            target.mkdir(parents=True, exist_ok=True)
            for package in (WORK / name).glob("*.deb"):
                if "dbgsym" not in package.name:
                    (target / package.name).write_bytes(package.read_bytes())
            packages = call("dpkg-scanpackages", "-m", ".", cwd=target)
            (target / "Packages").write_text(packages)
        self.apt("update")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def enter(self, *arguments):
        """The command inside: its own /proc and /dev, the network of this machine's name space."""
        mounts = f"mount -t proc proc {self.root}/proc; mount --rbind /dev {self.root}/dev; "
        return ["ip", "netns", "exec", SPACE, "unshare", "--mount", "--pid", "--fork", "--kill-child",
                "sh", "-c", mounts + "exec " + shlex.join(["chroot", str(self.root), *arguments])]

    def run(self, *arguments):
        return call(*self.enter(*arguments))

    def apt(self, *arguments):
        """With the network of this machine, for the packages of Debian."""
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        mounts = (f"mount -t proc proc {self.root}/proc; mount --rbind /dev {self.root}/dev; "
                  f"cp /etc/resolv.conf {self.root}/etc/resolv.conf; ")
        command = ["chroot", str(self.root), "apt-get", "-y", "-qq", "--allow-downgrades",
                   "--no-install-recommends", *arguments]
        return call("unshare", "--mount", "sh", "-c", mounts + "exec " + shlex.join(command),
                    env=environment)

    def version(self):
        return self.run("dpkg-query", "-W", "-f", "${Version}", "lucius").strip()

    # The service as its unit starts it

    def start_daemon(self):
        text = (self.root / UNIT).read_text()
        pairs = [pair for line in unit_value(text, "Environment") for pair in line.split()]
        state = self.root / "var/lib/lucius"
        state.mkdir(mode=0o750, exist_ok=True)
        owner = self.run("id", "-u", "lucius").strip()
        os.chown(state, int(owner), int(owner))
        arguments = self.enter("setpriv", "--reuid=lucius", "--regid=lucius", "--clear-groups",
                               "--no-new-privs", "--bounding-set=-all", "env", "-i", *pairs,
                               *unit_value(text, "ExecStart")[0].split())
        with open(WORK / "luciusd.log", "ab") as log:
            self.daemon = subprocess.Popen(arguments, stderr=log)
        end = time.monotonic() + BOUND
        while self.health() != 0:
            if self.daemon.poll() is not None or time.monotonic() > end:
                raise AssertionError((WORK / "luciusd.log").read_text())

    def health(self):
        return subprocess.run(self.enter("luciusd", "--health"), capture_output=True).returncode

    @staticmethod
    def end(process):
        """SIGTERM to the first process of its name space."""
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        os.kill(int(children.split()[0]), signal.SIGTERM)
        return process.wait(timeout=BOUND)

    def start_consumer(self):
        connection = ("Endpoint=sb://localhost;SharedAccessKeyName=RootManageSharedAccessKey;"
                      "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;")
        environment = [f"SERVICEBUS_CONNECTION={connection}", "SERVICEBUS_TOPIC=global-bus-p0..15",
                       "SERVICEBUS_SUBSCRIPTION=distributed-ocr", "PATH=/usr/bin:/bin"]
        self.consumer = subprocess.Popen(self.enter(
            "setpriv", "--reuid=lucius-consumer", "--regid=lucius-consumer", "--clear-groups", "env",
            "-i", *environment, "lucius-consumer", "--step-type", "OCR", "--concurrency", "4", "--",
            "sh", "-c", "cat >/dev/null; echo '\"done\"'"), stderr=subprocess.DEVNULL)

    def ask(self, path, body=None):
        arguments = ["curl", "-s", f"http://localhost:8000{path}"]
        if body is not None:
            arguments += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        return json.loads(call("ip", "netns", "exec", SPACE, *arguments))

    def orchestrate(self, key):
        return self.ask("/v1/orchestrate", {
            "tenant_id": "t1", "request_type": "OCR", "input_ref": "in", "output_ref": "out",
            "payload": {}, "schema_version": "v1", "idempotency_key": key})["jobId"]

    def states(self):
        answer = self.ask("/v1/jobs?tenant_id=t1&limit=200")
        return {job["job_id"]: job["state"] for job in answer["jobs"]}

    def wait_all(self, jobs, state):
        end = time.monotonic() + BOUND
        while any(self.states().get(job) != state for job in jobs):
            if time.monotonic() > end:
                raise AssertionError(self.states())

    def files(self):
        """All but what the package system itself keeps."""
        kept = ("proc/", "dev/", "sys/", "packages/", "var/lib/dpkg/", "var/lib/apt/", "var/log/",
                "var/cache/", "tmp/", "run/", "var/lib/systemd/", "etc/passwd", "etc/group",
                "etc/shadow", "etc/gshadow", "etc/ld.so.cache", "etc/subuid", "etc/subgid")
        found = {str(path.relative_to(self.root)) for path in self.root.rglob("*")}
        return {path for path in found if not path.startswith(kept)}

    def close(self):
        for process in (self.consumer, self.daemon):
            if process is not None and process.poll() is None:
                self.end(process)
        subprocess.run(["ip", "netns", "delete", SPACE], check=False)


class Packages(unittest.TestCase):
    """One story: each test goes on where the one before it has left the machine."""

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.close)
        cls.before = cls.machine.files()
        cls.old = call("dpkg-deb", "-f", str(next((WORK / "old").glob("lucius_*.deb"))),
                       "Version").strip()
        cls.new = call("dpkg-deb", "-f", str(next((WORK / "new").glob("lucius_*.deb"))),
                       "Version").strip()

    def test_1_the_older_version_installs_and_runs_a_job(self):
        machine = self.machine
        machine.apt("install", f"lucius={self.old}", f"lucius-consumer={self.old}")
        self.assertEqual(machine.version(), self.old)
        machine.start_daemon()
        machine.start_consumer()
        job = machine.orchestrate("first")
        machine.wait_all([job], "SUCCEEDED")
        self.assertEqual(machine.end(machine.consumer), 0)

    def test_2_an_upgrade_loses_no_job_under_way(self):
        machine = self.machine
        jobs = [machine.orchestrate(f"up-{i}") for i in range(JOBS)]
        self.assertEqual(machine.end(machine.daemon), 0)
        machine.apt("install", f"lucius={self.new}", f"lucius-consumer={self.new}")
        self.assertEqual(machine.version(), self.new)
        machine.start_daemon()
        self.assertLessEqual(set(jobs), set(machine.states()))
        machine.start_consumer()
        machine.wait_all(jobs, "SUCCEEDED")
        self.assertEqual(machine.end(machine.consumer), 0)

    def test_3_a_roll_back_loses_no_job_under_way(self):
        machine = self.machine
        jobs = [machine.orchestrate(f"down-{i}") for i in range(JOBS)]
        self.assertEqual(machine.end(machine.daemon), 0)
        machine.apt("install", f"lucius={self.old}", f"lucius-consumer={self.old}")
        machine.start_daemon()
        machine.start_consumer()
        machine.wait_all(jobs, "SUCCEEDED")
        self.assertEqual(machine.end(machine.consumer), 0)
        self.assertEqual(machine.end(machine.daemon), 0)

    def test_4_all_packages_install_and_their_units_hold(self):
        machine = self.machine
        names = ("lucius", "lucius-consumer", "lucius-plugins-azure", "lucius-plugin-temporal",
                 "lucius-dev")
        machine.apt("install", *(f"{name}={self.new}" for name in names))
        for unit in (UNIT, UNIT.replace("lucius.", "lucius-consumer@.")):
            machine.run("systemd-analyze", "verify", "--man=no", "/" + unit)
        for unit, bound in (("lucius.service", 2.0), ("lucius-consumer@.service", 2.0)):
            report = call("systemd-analyze", "security", "--offline=true", "--no-pager",
                          str(machine.root / "usr/lib/systemd/system" / unit))
            level = float(re.search(r"Overall exposure level for .*: ([\d.]+)", report).group(1))
            print(f"{unit}: systemd-analyze security {level}")
            self.assertLessEqual(level, bound)
        listed = machine.run("luciusd", "--list-plugins")
        for plugin in ("bus-local", "bus-servicebus", "config-appconfig", "storage-ledger",
                       "storage-memory", "storage-sqlite", "storage-table", "workflow-local",
                       "workflow-temporal"):
            self.assertRegex(listed, f"(?m)^{plugin} ")
        self.assertNotIn("cannot be loaded", listed)

    def test_5_a_purge_leaves_nothing(self):
        machine = self.machine
        machine.apt("purge", "lucius*")
        machine.apt("autoremove", "--purge")
        self.assertEqual(sorted(machine.files() - self.before), [])


if __name__ == "__main__":
    WORK = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
