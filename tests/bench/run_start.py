#!/usr/bin/env python3
"""What it costs to start a command in a tunnel of its own: `run PROFILE -- true`, and `exec NAME -- true`.

    WG4_BINDIR=build/release/bin tests/bench/run_start.py --rounds 50

Each round takes in turn `unshare -Urnm true`, which makes the same namespaces and nothing in them, `run`, and `exec` in
a tunnel that is up. Times are from exec to the end of all that was started; trust the differences.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "netns"))

import harness
from program import bindir, program_environment
from scratch import Scratch
from turns import print_times, take_turns
from wireguard import Identity, end_to_end

BASE = "unshare -Urnm"
UP, ONCE = "up", "once"  # profiles


def write_profile(folder: Path, name: str) -> None:
    config = end_to_end(Identity(), Identity(), 1, endpoint="127.0.0.1:9")
    text = config.for_wg_quick().replace("[Interface]\n", "[Interface]\nDNS = 10.77.0.2\n", 1)
    path = folder / f"{name}.conf"
    path.write_text(text)
    path.chmod(0o600)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    if os.geteuid() == 0 and "WG4_STAGED" not in os.environ:
        sys.exit(harness.run_staged(as_root=False))
    program = str(bindir() / "wireguard4netns")
    ways = {
        BASE: ["unshare", "-Urnm", "true"],
        "run": [program, "run", ONCE, "--", "true"],
        "exec": [program, "exec", UP, "--", "true"],
    }
    with contextlib.ExitStack() as stack:
        scratch = Scratch()
        stack.callback(scratch.remove)
        environment = program_environment(scratch)
        profiles = scratch.folder / ".config/wireguard4netns/profiles"
        profiles.mkdir(parents=True)
        for name in (UP, ONCE):
            write_profile(profiles, name)

        def run(*words: str) -> None:
            subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True)

        def timed(words: list[str]) -> float:
            began = time.monotonic()
            run(*words)
            return time.monotonic() - began

        run(program, "up", UP)
        stack.callback(run, program, "down", UP)
        times = take_turns({name: partial(timed, words) for name, words in ways.items()}, options.rounds)
    print_times(times, BASE, "more than unshare, ms", lambda median, base: (median - base) * 1e3)


if __name__ == "__main__":
    main()
