#!/usr/bin/python3
"""TCP through a published port, beside RootlessKit's builtin port driver and plain loopback.

    published_ports.py BINDIR [ROUNDS]

As an ordinary user; needs iperf3, rootlesskit, slirp4netns, uidmap and wireguard-tools. The three
take turns, so that other work on the machine hits all alike; medians are printed, and as a ratio
to the builtin driver. CPU is that of the forwarder alone, which noise hardly touches.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS = 2
INSIDE, OURS, BUILTIN, PLAIN = 5201, 5301, 5302, 5303
MODES = {"1 stream": (), "4 streams": ("-P", "4"), "back": ("-R",)}


def output(*argv: str, text: str = "") -> str:
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def tree(pid: int) -> list[int]:
    """`pid` and all processes below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += tree(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """Of a forwarder and what it started, the server aside."""
    total = 0
    for each in tree(pid):
        head, _, tail = Path(f"/proc/{each}/stat").read_text().rpartition(")")
        if "iperf3" not in head:
            total += sum(int(field) for field in tail.split()[11:13])
    return total / os.sysconf("SC_CLK_TCK")


def measure(port: int, mode: tuple[str, ...], pid: int) -> tuple[float, float]:
    """Gbit/s, and CPU seconds of the forwarder for a GiB."""
    before = cpu_seconds(pid)
    client = ("iperf3", "-c", "127.0.0.1", "-p", str(port), "-t", str(SECONDS), "-J", *mode)
    received = json.loads(output(*client))["end"]["sum_received"]
    used = cpu_seconds(pid) - before
    return received["bits_per_second"] / 1e9, used / (received["bytes"] / 2**30)


def main() -> None:
    bindir, rounds = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["XDG_RUNTIME_DIR"] = str(folder)

        def start(*argv: str) -> int:
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            process = subprocess.Popen(argv, **quiet)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return process.pid

        peer = output("wg", "pubkey", text=output("wg", "genkey"))
        conf = folder / "wg0.conf"
        conf.touch(0o600)
        conf.write_text(
            f"[Interface]\nPrivateKey={output('wg', 'genkey')}\nAddress=10.77.0.1/24\n"
            f"[Peer]\nPublicKey={peer}\nAllowedIPs=10.77.0.2/32\n"
        )
        server = ("iperf3", "-s", "-p", str(INSIDE))
        up = "ip link set lo up; exec " + " ".join(server)
        namespace = start("unshare", "--user", "--map-root-user", "--net", "sh", "-c", up)
        time.sleep(0.5)
        publish = f"--publish=127.0.0.1:{OURS}:{INSIDE}"
        ours = start(f"{bindir}/wireguard4netns", f"--config={conf}", publish, str(namespace))
        options = ("--net=slirp4netns", "--disable-host-loopback", "--port-driver=builtin")
        publish = f"--publish=127.0.0.1:{BUILTIN}:{INSIDE}/tcp"
        state = f"--state-dir={folder}/rootlesskit"
        builtin = start("rootlesskit", state, *options, publish, *server)
        plain = start("iperf3", "-s", "-B", "127.0.0.1", "-p", str(PLAIN))
        time.sleep(3)

        candidates = {"ours": (OURS, ours), "builtin": (BUILTIN, builtin), "plain": (PLAIN, plain)}
        for name, mode in MODES.items():
            results: dict[str, list[tuple[float, float]]] = {each: [] for each in candidates}
            for _ in range(rounds):
                for each, (port, pid) in candidates.items():
                    results[each].append(measure(port, mode, pid))
            rates = {each: statistics.median(rate for rate, _ in results[each]) for each in results}
            costs = {each: statistics.median(cost for _, cost in results[each]) for each in results}
            for each in candidates:
                print(f"{name:10} {each:8} {rates[each]:6.2f} Gbit/s  {costs[each]:.3f} CPU s/GiB")
            rate, cost = rates["ours"] / rates["builtin"], costs["ours"] / costs["builtin"]
            print(f"{name:10} ours / builtin: rate {rate:.2f}, CPU {cost:.2f}\n")


if __name__ == "__main__":
    main()
