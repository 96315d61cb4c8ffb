# SPDX-License-Identifier: MIT
"""Our worker beside the Go SDK's, in one run on one Temporal server. Nothing is asserted.

The same driver starts the same workflow of two steps for both, and is the invoker whose activities do
nothing but signal the RESULT. Printed: workflows a second, worker CPU a workflow, memory; and the same
once more on a server that hands activities over with its answers to workflow tasks.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "integration"))
from temporal_server import TemporalServer  # noqa: E402
from world import LUCIUSD, PLUGINS, SDK, Process  # noqa: E402

N_ROUNDS = 3
N_WARM = 50
N_WORKFLOWS = int(os.environ.get("LUCIUS_BENCH_WORKFLOWS", "400"))
AT_ONCE = 16
N_ALONE = 20


def build():
    """The Go program, from the modules that its go.sum names."""
    directory = SDK or tempfile.gettempdir()
    os.makedirs(directory, exist_ok=True)
    program = os.path.join(directory, "bench-temporal-go")
    go = subprocess.run([ROOT.parent / "scripts" / "find-go", directory], check=True,
                        stdout=subprocess.PIPE, text=True).stdout.strip()
    subprocess.run([go, "build", "-C", ROOT / "bench" / "temporal-go", "-o", program, "."],
                   check=True, env={**os.environ, "GOTOOLCHAIN": "local"})
    return program


def cpu_ms(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def memory_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Driver:
    def __init__(self, program, address, queue):
        self.child = subprocess.Popen([program, "drive", address, queue], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = self.child.stdout.readline().strip()
        self.n_rounds = 0

    def round(self, n, at_once=AT_ONCE):
        self.n_rounds += 1
        self.child.stdin.write(f"{self.n_rounds:024x} {n} {at_once}\n")
        self.child.stdin.flush()
        return float(self.child.stdout.readline())

    def stop(self):
        self.child.stdin.close()
        self.child.wait(60)
        self.child.stdout.close()


def start_ours(address, queue, url):
    tried = {k: v for k, v in os.environ.items() if k.startswith("LUCIUS_TEMPORAL_")}
    ours = Process([LUCIUSD, "--plugins-dir", PLUGINS, "--role", "worker"], {
        **tried,
        "LUCIUS_TEMPORAL_ADDRESS": address, "LUCIUS_TEMPORAL_TASK_QUEUE": queue,
        "LUCIUS_TEMPORAL_POLL_SECONDS": "6", "LUCIUS_INVOKER_URL": url,
        "LUCIUS_HEALTH_LISTEN": "127.0.0.1:0", "LUCIUS_LOG_FORMAT": "json"}, quiet=True)
    ours.wait_line("daemon.ready")
    return ours.child, ours.stop


def start_go(program, address, queue, url):
    child = subprocess.Popen([program, "worker", address, queue, url], text=True,
                             stdout=subprocess.PIPE)
    child.stdout.readline()

    def stop():
        child.terminate()
        child.wait(60)
        child.stdout.close()
    return child, stop


class Side:
    """One worker with its driver, on a queue of its own."""

    def __init__(self, name, program, server):
        self.server = server
        self.driver = Driver(program, server.address, name)
        self.child, self.stop_worker = (
            start_go(program, server.address, name, self.driver.url) if name == "go"
            else start_ours(server.address, name, self.driver.url))
        self.rates, self.costs, self.server_costs, self.latencies = [], [], [], []
        self.driver.round(N_WARM)

    def round(self):
        before, server_before = cpu_ms(self.child.pid), cpu_ms(self.server.child.pid)
        self.rates.append(N_WORKFLOWS / self.driver.round(N_WORKFLOWS))
        self.costs.append((cpu_ms(self.child.pid) - before) / N_WORKFLOWS)
        self.server_costs.append((cpu_ms(self.server.child.pid) - server_before) / N_WORKFLOWS)
        self.latencies.append(self.driver.round(N_ALONE, 1) * 1000 / N_ALONE)

    def figures(self):
        return (*(sorted(values)[N_ROUNDS // 2] for values in (
            self.rates, self.costs, self.server_costs, self.latencies)), memory_mb(self.child.pid))

    def stop(self):
        self.stop_worker()
        self.driver.stop()


def go_first():
    """What else the machine does is to meet neither; Linux shares out its time by session."""
    try:
        if os.getpgrp() != os.getpid():
            os.setsid()
        pathlib.Path("/proc/self/autogroup").write_text("-10", encoding="ascii")
    except OSError:
        print("Other processes may disturb the figures: the run cannot be put before them.")


def compare(program, settings):
    with tempfile.TemporaryDirectory(prefix="lucius-bench-") as folder:
        server = TemporalServer(folder, settings=settings).start()
        sides = {}
        try:
            for name in ("go", "ours"):
                sides[name] = Side(name, program, server)
            # In turns, so that what else the machine does meets both.
            for _ in range(N_ROUNDS):
                for side in sides.values():
                    side.round()
            figures = {name: side.figures() for name, side in sides.items()}
        finally:
            for side in sides.values():
                side.stop()
            server.kill()
    for name, (rate, cost, server_cost, latency, memory) in figures.items():
        print(f"{name:5} {rate:7.1f} workflows/s {cost:7.2f} ms CPU a workflow {memory:7.1f} MB; "
              f"the server {server_cost:.1f} ms CPU; one alone takes {latency:.0f} ms")
    ratios = [ours / go for ours, go in zip(figures["ours"], figures["go"])]
    print(f"ours to the Go SDK's: throughput {ratios[0]:.2f} (aim 1), CPU {ratios[1]:.2f} (aim 0.25), "
          f"memory {ratios[4]:.2f} (aim 0.33)")


def main():
    go_first()
    program = build()
    for settings in ({}, {"system.enableActivityEagerExecution": True}):
        print(f"server with {settings}" if settings else "server as it comes", flush=True)
        compare(program, settings)


if __name__ == "__main__":
    main()
