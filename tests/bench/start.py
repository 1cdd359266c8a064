#!/usr/bin/env python3
"""From nothing to the first answered ping: our program, and Debian's wireguard-go with `wg` and `ip`.

    WG4_BINDIR=build/release/bin tests/bench/start.py --rounds 20

The far end, wireguard-go, runs all the time. Each round takes in turn: our program for a container,
wireguard-go on the host (which has no container to enter), and `unshare -Urn true`, which says how
fast this machine is at such things. Times are from exec to the first echo reply, handshake included;
trust the ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "netns"))

import harness
from namespaces import Namespace, World
from processes import read_line
from program import Wg4
from scratch import Scratch
from turns import print_times, take_turns
from wireguard import Config, Identity, WireguardGo, end_to_end

OURS, BASE, UNIT = "wireguard4netns", "wireguard-go", "unshare"
SERVER = "10.77.0.2"


class Stage:
    """A far end that answers, and what reaches it."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.scratch = Scratch()
        stack.callback(self.scratch.remove)
        self.world = stack.enter_context(World())
        self.container = stack.enter_context(Namespace(self.world.host))
        self.near, far = Identity(), Identity()
        there = end_to_end(far, self.near, 2)
        there.port = 5002
        stack.enter_context(WireguardGo(self.scratch, self.world.far, there))
        self.config: Config = end_to_end(self.near, far, 1, endpoint=f"{World.FAR}:5002")

    @contextlib.contextmanager
    def first_reply(self, ns: Namespace) -> Iterator[Callable[[], float]]:
        """Someone who pings all the time; the function waits for the first answer's instant."""
        with ns.tool("first-reply", SERVER, "30") as pinger:
            read_line(pinger)
            time.sleep(0.05)  # its loop has settled
            yield lambda: float(json.loads(read_line(pinger, 40))["instant"] or "nan")

    def ours(self) -> float:
        with self.first_reply(self.container) as instant:
            with Wg4(self.scratch, self.container, self.config, where=self.world.host) as wg4:
                return instant() - wg4.started

    def wireguard_go(self) -> float:
        with self.first_reply(self.world.host) as instant:
            began = time.monotonic()
            with WireguardGo(self.scratch, self.world.host, self.config):
                return instant() - began

    def unshare(self) -> float:
        began = time.monotonic()
        subprocess.run(["unshare", "-Urn", "true"], check=True)
        return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    if os.geteuid() == 0 and "WG4_STAGED" not in os.environ:
        sys.exit(harness.run_staged(as_root=False))
    with contextlib.ExitStack() as stack:
        stage = Stage(stack)
        ways = {OURS: stage.ours, BASE: stage.wireguard_go, UNIT: stage.unshare}
        times = take_turns(ways, options.rounds)
    print_times(times, UNIT, "median / unshare", lambda median, unit: median / unit)


if __name__ == "__main__":
    main()
