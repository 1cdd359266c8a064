#!/usr/bin/python3 -B
"""A stand-in for Podman, as a network plugin sees it: `network create`, a `run` on that network, `network rm`.

Its networks are files beside the link that it is called by; the network namespace in which rootless
Podman runs netavark is ROOTLESS_NETNS.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from netavark import container, network  # noqa: E402

FOLDER = Path(sys.argv[0]).parent


def plugin(driver: str, words: list[str], request: object, enter: tuple[str, ...] = ()) -> str:
    conf = Path(os.environ["CONTAINERS_CONF_OVERRIDE"]).read_text()
    (place,) = re.findall(r'netavark_plugin_dirs = \["(.*)"\]', conf)
    done = subprocess.run(
        [*enter, f"{place}/{driver}", *words],
        input=json.dumps(request),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def create(driver: str, options: list[str], name: str) -> None:
    wanted = network(**dict(option.split("=", 1) for option in options))
    made = plugin(driver, ["create"], wanted | {"name": name, "driver": driver})
    (FOLDER / f"{name}.json").write_text(made)


def run(name: str, command: list[str]) -> None:
    own = json.loads((FOLDER / f"{name}.json").read_text())
    netns = FOLDER / f"{name}.netns"
    netns.touch()
    subprocess.run(["unshare", f"--net={netns}", "ip", "link", "set", "lo", "up"], check=True)
    request = container("box") | {"network": own}
    rootless = ("nsenter", f"--net={os.environ['ROOTLESS_NETNS']}")
    plugin(own["driver"], ["setup", str(netns)], request, rootless)
    subprocess.run(["nsenter", f"--net={netns}", *command], check=True)
    plugin(own["driver"], ["teardown", str(netns)], request, rootless)
    subprocess.run(["umount", str(netns)], check=True)
    netns.unlink()


def main() -> None:
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    networks = verbs.add_parser("network").add_subparsers(dest="what", required=True)
    making = networks.add_parser("create")
    making.add_argument("--driver", required=True)
    making.add_argument("--opt", action="append", default=[])
    making.add_argument("name")
    removing = networks.add_parser("rm")
    removing.add_argument("--force", action="store_true")
    removing.add_argument("name")
    running = verbs.add_parser("run")
    running.add_argument("--network", required=True)
    running.add_argument("--rm", action="store_true")
    running.add_argument("image")
    running.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    if given.verb == "run":
        run(given.network, given.command)
    elif given.what == "create":
        create(given.driver, given.opt, given.name)
    else:
        (FOLDER / f"{given.name}.json").unlink()


if __name__ == "__main__":
    main()
