# SPDX-License-Identifier: MIT
"""Runs the services of a compose file without a container engine: each in a network, mount and
process namespace of its own, on the root file system of its image, under the limits that the file
asks for (user, read-only root, capabilities, temporary file systems). Needs root.

What the file says is taken from it as Compose's own library reads it; nothing is set twice.
"""
import datetime
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time

BOUND = 60  # seconds that any single wait may take
SUBNET = "10.77.0"


def command(*arguments, check=True, **options):
    return subprocess.run(arguments, check=check, capture_output=True, text=True, **options)


def seconds_of(duration, default):
    """Compose's durations, as far as its library prints them: 5s, 1m30s."""
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    parts = re.findall(r"([\d.]+)(ms|h|m|s)", duration or "")
    return sum(float(number) * units[unit] for number, unit in parts) if parts else default


class Images:
    """The root file systems and settings of what scripts/build-images has made."""

    def __init__(self, work):
        self.buildah = ["buildah", "--storage-driver", "vfs", "--root", f"{work}/storage",
                        "--runroot", f"{work}/run"]
        self.mounted = {}

    def call(self, *arguments):
        return command(*self.buildah, *arguments).stdout.strip()

    def mount(self, image):
        """The directory and the settings; one container an image, as none of them is written to."""
        if image not in self.mounted:
            container = self.call("from", "--pull-never", image)
            settings = json.loads(self.call("inspect", "--type", "image", image))
            self.mounted[image] = (container, self.call("mount", container),
                                   settings["Docker"]["config"])
        return self.mounted[image][1:]

    def close(self):
        for container, *_ in self.mounted.values():
            self.call("rm", container)
        self.mounted = {}


class Network:
    """A bridge in a name space of its own, which stands for the host that services run on."""

    def __init__(self, label):
        self.host = f"lucius-{label}"
        self.names = {}
        self.spaces = []
        command("ip", "netns", "add", self.host)
        self.inside(self.host, "ip", "link", "set", "lo", "up")
        self.inside(self.host, "ip", "link", "add", "bridge", "type", "bridge")
        self.inside(self.host, "ip", "address", "add", f"{SUBNET}.1/24", "dev", "bridge")
        self.inside(self.host, "ip", "link", "set", "bridge", "up")

    @staticmethod
    def inside(space, *arguments, **options):
        return command("ip", "netns", "exec", space, *arguments, **options)

    def address(self, name):
        if name not in self.names:
            self.names[name] = f"{SUBNET}.{len(self.names) + 10}"
        return self.names[name]

    def join(self, name):
        """A name space for that host name, connected to the bridge."""
        address = self.address(name)
        space = f"{self.host}-{address.rsplit('.', 1)[1]}"
        inner, outer = "eth0", f"port{address.rsplit('.', 1)[1]}"
        command("ip", "netns", "add", space)
        self.spaces.append(space)
        self.inside(self.host, "ip", "link", "add", outer, "type", "veth", "peer", "name", inner,
                    "netns", space)
        self.inside(self.host, "ip", "link", "set", outer, "master", "bridge", "up")
        self.inside(space, "ip", "address", "add", f"{address}/24", "dev", inner)
        self.inside(space, "ip", "link", "set", inner, "up")
        self.inside(space, "ip", "link", "set", "lo", "up")
        return space

    def cut(self, name, is_cut):
        """Takes the host off the bridge, or puts it back."""
        port = f"port{self.address(name).rsplit('.', 1)[1]}"
        self.inside(self.host, "ip", "link", "set", port, "down" if is_cut else "up")

    def cut_link(self, one, other, is_cut):
        """Between these two hosts alone: each sends to a hardware address that nobody has."""
        for name, peer in ((one, other), (other, one)):
            space = f"{self.host}-{self.address(name).rsplit('.', 1)[1]}"
            neighbour = ["ip", "neighbour"]
            change = (["replace", self.address(peer), "lladdr", "02:00:00:00:00:ff", "nud", "permanent"]
                      if is_cut else ["delete", self.address(peer)])
            self.inside(space, *neighbour, *change, "dev", "eth0")

    def hosts_file(self):
        lines = ["127.0.0.1 localhost"] + [f"{at} {name}" for name, at in self.names.items()]
        return "\n".join(lines) + "\n"

    def close(self):
        for space in [*self.spaces, self.host]:
            command("ip", "netns", "delete", space, check=False)


class Service:
    """A running service; its output goes to a file and is kept in lines."""

    def __init__(self, stack, name):
        self.stack = stack
        self.name = name
        self.settings = stack.project["services"][name]
        self.log = stack.directory / f"{name}.log"
        self.process = None
        self.space = None
        self.started = None

    # Where it runs

    def volumes(self):
        """(source on this machine, target, is read-only)"""
        for volume in self.settings.get("volumes") or []:
            source = volume["source"]
            if volume["type"] == "volume":
                source = self.stack.volume(source)
            yield str(source), volume["target"], volume.get("read_only", False)

    def environment(self, image):
        given = dict(pair.split("=", 1) for pair in image.get("Env") or [])
        given.update({name: value for name, value in (self.settings.get("environment") or {}).items()
                      if value is not None})
        return given

    def command_line(self, image):
        entry = self.settings.get("entrypoint") or image.get("Entrypoint") or []
        return [*entry, *(self.settings.get("command") or image.get("Cmd") or [])]

    def script(self, root, image):
        """Run as the first process of the name spaces: mounts, then the container's command."""
        mode = "ro" if self.settings.get("read_only") else "rw"
        lines = ["set -eu", "mount --make-rprivate /", f"mount --bind {root} {root}",
                 f"mount --bind {self.stack.hosts} {root}/etc/hosts",
                 f"mount -t proc proc {root}/proc",
                 f"mount --rbind /dev {root}/dev"]
        for target in self.settings.get("tmpfs") or []:
            lines.append(f"mount -t tmpfs -o mode=1777,size=64m tmpfs {root}{target}")
        for source, target, is_read_only in self.volumes():
            lines.append(f"mkdir -p {root}{target}; mount --bind {source} {root}{target}")
            if is_read_only:
                lines.append(f"mount -o remount,bind,ro {root}{target}")
        lines.append(f"mount -o remount,bind,{mode} {root}")
        # An engine's own work ends here, and the container's first process begins.
        lines.append('date \'+{"event":"container.exec","at":%s.%N}\' >&2')
        lines.append("exec " + shlex.join(self.enter(root, image, self.command_line(image))))
        return "\n".join(lines)

    def enter(self, root, image, arguments):
        """What runs a command on the root file system as the image's user, with no privilege."""
        user, group = (image.get("User") or "0:0").split(":")
        pairs = [f"{name}={value}" for name, value in self.environment(image).items()]
        capabilities = ["--bounding-set=-all", "--inh-caps=-all"]
        return ["chroot", root, "/usr/bin/setpriv", f"--reuid={user}", f"--regid={group}",
                "--clear-groups", "--no-new-privs", *capabilities, "/usr/bin/env", "-i", "-C",
                image.get("WorkingDir") or "/", *pairs, *arguments]

    def start(self):
        if self.space is None:
            self.space = self.stack.network.join(self.name)
        stand_in = self.stack.stand_ins.get(self.settings["image"].split(":")[0])
        if stand_in is not None:
            arguments = stand_in(self)
        else:
            root, image = self.stack.images.mount(f"localhost/{self.settings['image']}")
            arguments = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
                         self.script(root, image)]
        self.started = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["ip", "netns", "exec", self.space, *arguments],
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    # How it is

    def first_process(self):
        """The process that is the first one inside; of a stand-in its own."""
        inner = self.process.pid
        children = pathlib.Path(f"/proc/{inner}/task/{inner}/children").read_text().split()
        return int(children[0]) if children else inner

    def execute(self, *arguments, **options):
        """A command inside, as `docker exec` would run it."""
        root, image = self.stack.images.mount(f"localhost/{self.settings['image']}")
        enter = ["nsenter", "-t", str(self.first_process()), "--net", "--mount", "--pid"]
        return command(*enter, *self.enter(root, image, list(arguments)), check=False, **options)

    def is_healthy(self):
        check = self.settings.get("healthcheck")
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
        if check is None:
            return True
        if self.settings["image"].split(":")[0] in self.stack.stand_ins:
            arguments = ["ip", "netns", "exec", self.space, *check["test"][1:]]
            return command(*arguments, check=False, env=self.stack.tools).returncode == 0
        return self.execute(*check["test"][1:]).returncode == 0

    def wait_healthy(self, bound=BOUND):
        """The seconds from its start."""
        end = time.monotonic() + bound
        while not self.is_healthy():
            if time.monotonic() > end:
                raise AssertionError(f"{self.name} is not healthy:\n{self.tail()}")
            self.stack.pause.wait(0.05)
        return time.monotonic() - self.started

    def ready_ms(self):
        """From the start of the first process to the daemon's line that it is ready."""
        lines = [json.loads(line) for line in self.text().splitlines() if line.startswith("{")]
        begun = [line["at"] for line in lines if line["event"] == "container.exec"][-1]
        ready = [line["ts"] for line in lines if line["event"] == "daemon.ready"][-1]
        return (datetime.datetime.fromisoformat(ready).timestamp() - begun) * 1000

    def tail(self, n=20):
        return "\n".join(self.text().splitlines()[-n:])

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_text(self, words, bound=BOUND):
        end = time.monotonic() + bound
        while words not in self.text():
            if time.monotonic() > end:
                raise AssertionError(f"{self.name} does not say '{words}':\n{self.tail()}")
            self.stack.pause.wait(0.05)

    # How it ends

    def kill(self):
        os.kill(self.first_process(), signal.SIGKILL)
        self.process.wait(timeout=BOUND)

    def stop(self):
        """As the engine would: SIGTERM to the first process, then the grace period."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process is not None else None
        os.kill(self.first_process(), signal.SIGTERM)
        try:
            return self.process.wait(timeout=seconds_of(self.settings.get("stop_grace_period"), 10))
        except subprocess.TimeoutExpired:
            self.kill()
            return None


class Stack:
    """All services of a compose file."""

    def __init__(self, project, images, tools, stand_ins=None, label="test"):
        self.project = project
        self.images = images
        self.tools = tools  # environment of what runs on this machine itself
        self.stand_ins = stand_ins or {}
        self.pause = threading.Event()  # never set: for waiting between two looks
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="lucius-stack-"))
        self.network = Network(label)
        for name in project["services"]:
            self.network.address(name)
        self.hosts = self.directory / "hosts"
        self.hosts.write_text(self.network.hosts_file())
        self.services = {name: Service(self, name) for name in project["services"]}
        self.publishers = []

    def volume(self, name):
        path = self.directory / "volumes" / name
        if not path.exists():
            path.mkdir(parents=True)
            os.chown(path, 10001, 10001)  # as the folder that the images have there
        return path

    def up(self, *names):
        """Starts services in the order that depends_on asks for; seconds to health by name."""
        times = {}
        for name in names or self.project["services"]:
            self._up(name, times)
        return times

    def _up(self, name, times):
        if name in times:
            return
        for needed in self.services[name].settings.get("depends_on") or {}:
            self._up(needed, times)
        if self.services[name].process is None:
            self.services[name].start()
            self._publish(name)
        times[name] = self.services[name].wait_healthy()

    def _publish(self, name):
        """Published ports answer on the host's name space, on loopback."""
        for port in self.services[name].settings.get("ports") or []:
            target = f"TCP:{self.network.address(name)}:{port['target']}"
            listen = f"TCP-LISTEN:{port['published']},bind=127.0.0.1,fork,reuseaddr"
            arguments = ["ip", "netns", "exec", self.network.host, "socat", listen, target]
            self.publishers.append(subprocess.Popen(arguments, stderr=subprocess.DEVNULL))

    def on_host(self, *arguments, **options):
        return self.network.inside(self.network.host, *arguments, **options)

    def down(self):
        """Exit statuses by name; the dependent ones go first."""
        statuses = {name: self.services[name].stop() for name in reversed(self._order())}
        for publisher in self.publishers:
            publisher.terminate()
            publisher.wait(timeout=BOUND)
        self.publishers = []
        return statuses

    def _order(self):
        order = []

        def add(name):
            for needed in self.services[name].settings.get("depends_on") or {}:
                add(needed)
            if name not in order:
                order.append(name)
        for name in self.services:
            add(name)
        return order

    def close(self):
        self.down()
        self.network.close()
        shutil.rmtree(self.directory, ignore_errors=True)
