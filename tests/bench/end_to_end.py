#!/usr/bin/env python3
"""Our program against Debian's wireguard-go, end to end, in one run.

Two hosts with a cable between them, all of it an ordinary user's own namespaces. Each round takes
the programs in turn, both ends alike, so that slow drift of the machine hits both. Ours serves a
container below each host; wireguard-go, which cannot do that, has its interface on the host.

    WG4_BINDIR=build/release/bin tests/bench/end_to_end.py --rounds 5 --chart > speed.svg

The table goes to standard error, the chart to standard output.

CPU seconds per GiB are those of the two tunnel programs together; trust them, and ratios, more than
Gbit/s: everything shares this machine's processors.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import re
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "netns"))

import harness
from chart import bars
from namespaces import Namespace, World
from probes import ping
from processes import read_line
from program import Wg4
from scratch import Scratch
from wireguard import Identity, WireguardGo, end_to_end

OURS, BASE = "wireguard4netns", "wireguard-go"
CLIENT, SERVER = "10.77.0.1", "10.77.0.2"
TICK = os.sysconf("SC_CLK_TCK")

# What is measured: name, unit, whether more is better.
FIGURES = {
    "tcp": ("TCP, one stream", "Gbit/s", True),
    "tcp_cpu": ("... CPU of both programs", "s/GiB", False),
    "tcp4": ("TCP, four streams", "Gbit/s", True),
    "tcp4_cpu": ("... CPU of both programs", "s/GiB", False),
    "both": ("TCP, both directions at once", "Gbit/s", True),
    "udp": ("UDP of 1372 bytes, overload", "kpps received", True),
    "ping": ("ping, idle", "us", False),
    "ping_load": ("ping beside a TCP stream", "us", False),
    "memory": ("memory after it, one program", "MiB", False),
}


@dataclasses.dataclass
class Ends:
    """A tunnel, ready to be loaded."""

    client: Namespace
    server: Namespace
    pids: list[int]

    def cpu_s(self) -> float:
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICK

    def memory_mib(self) -> float:
        sizes = [
            int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])
            for pid in self.pids
        ]
        return max(sizes) / 1024


@contextlib.contextmanager
def tunnel(implementation: str) -> Iterator[Ends]:
    with contextlib.ExitStack() as stack:
        scratch = Scratch()
        stack.callback(scratch.remove)
        world = stack.enter_context(World())
        one, other = Identity(), Identity()
        config = end_to_end(one, other, 1, endpoint=f"{World.FAR}:5002")
        config.port = 5001
        other_config = end_to_end(other, one, 2, endpoint=f"{World.HOST}:5001")
        other_config.port = 5002
        ends = []
        for host, wanted in ((world.host, config), (world.far, other_config)):
            if implementation == OURS:
                inside = stack.enter_context(Namespace(host))
                program = stack.enter_context(Wg4(scratch, inside, wanted, where=host))
                ends.append((inside, program.process.pid))
            else:
                go = stack.enter_context(WireguardGo(scratch, host, wanted))
                ends.append((host, go.pid))
        if ping(ends[0][0], SERVER, 3).received == 0:
            raise AssertionError(f"{implementation}: no packet gets through")
        yield Ends(ends[0][0], ends[1][0], [pid for _, pid in ends])


@contextlib.contextmanager
def server(ends: Ends) -> Iterator[None]:
    with ends.server.background("iperf3", "-s", "-1", "--forceflush") as process:
        while "listening" not in read_line(process, 10):
            pass
        yield


def iperf(ends: Ends, seconds: int, *options: str) -> tuple[dict, float]:
    """The client's report, and the CPU seconds of the tunnel programs meanwhile."""
    with server(ends):
        before = ends.cpu_s()
        done = ends.client.run("iperf3", "-c", SERVER, "-t", str(seconds), "-J", *options)
        spent = ends.cpu_s() - before
    return json.loads(done.stdout)["end"], spent


def per_gib(report: dict, spent: float) -> float:
    return spent / (report["sum_received"]["bytes"] / 2**30)


def median_us(ends: Ends, count: int) -> float:
    text = ends.client.run("ping", "-n", "-c", str(count), "-i", "0.002", SERVER).stdout
    return statistics.median(float(time) * 1000 for time in re.findall(r"time=([\d.]+)", text))


def measure(ends: Ends, seconds: int) -> dict[str, float]:
    figures = {"ping": median_us(ends, 100 * seconds)}
    for name, options in (("tcp", ()), ("tcp4", ("-P", "4")), ("both", ("--bidir",))):
        report, spent = iperf(ends, seconds, *options)
        figures[name] = report["sum_received"]["bits_per_second"] / 1e9
        if name == "both":
            figures[name] += report["sum_received_bidir_reverse"]["bits_per_second"] / 1e9
        else:
            figures[f"{name}_cpu"] = per_gib(report, spent)
    report, _ = iperf(ends, seconds, "-u", "-b", "0", "-l", "1372")
    udp = report["sum"]
    figures["udp"] = (udp["packets"] - udp["lost_packets"]) / udp["seconds"] / 1e3
    load = ("iperf3", "-c", SERVER, "-t", str(seconds + 1))
    with server(ends), ends.client.background(*load):
        figures["ping_load"] = median_us(ends, 100 * seconds)
    figures["memory"] = ends.memory_mib()
    return figures


def report(rounds: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Prints medians and the ratio, and returns the medians."""
    medians = {
        name: {key: statistics.median(one[key] for one in done) for key in FIGURES}
        for name, done in rounds.items()
    }
    print(f"{'':36}{OURS:>18}{BASE:>14}{'ratio':>9}", file=sys.stderr)
    for key, (title, unit, _) in FIGURES.items():
        ours, base = medians[OURS][key], medians[BASE][key]
        row = f"{title + ', ' + unit:44}{ours:>10.2f}{base:>14.2f}{ours / base:>9.2f}"
        print(row, file=sys.stderr)
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of each TCP and UDP stream")
    parser.add_argument("--chart", action="store_true", help="print an SVG chart")
    options = parser.parse_args()
    if os.geteuid() == 0 and "WG4_STAGED" not in os.environ:
        sys.exit(harness.run_staged(as_root=False))
    rounds: dict[str, list[dict[str, float]]] = {OURS: [], BASE: []}
    for _ in range(options.rounds):
        for name, done in rounds.items():
            with tunnel(name) as ends:
                done.append(measure(ends, options.seconds))
    medians = report(rounds)
    if options.chart:
        print(bars(FIGURES, medians, OURS, BASE), end="")


if __name__ == "__main__":
    main()
