"""What the tests send through a tunnel: pings, and TCP streams with a checksum at both ends."""

from __future__ import annotations

import dataclasses
import json
import re
import time

from namespaces import Namespace
from processes import read_line, wait_until


@dataclasses.dataclass(frozen=True)
class Pinged:
    sent: int
    received: int
    status: int
    text: str


def ping(
    ns: Namespace,
    address: str,
    count: int = 3,
    *options: str,
    interval: float = 0.05,
    wait: int = 3,
) -> Pinged:
    """`wait`: seconds for a reply to the last request."""
    done = ns.run(
        "ping",
        "-n",
        "-c",
        str(count),
        "-i",
        str(interval),
        "-W",
        str(wait),
        *options,
        address,
        check=False,
        seconds=count * interval + wait + 20,
    )
    text = done.stdout + done.stderr
    counts = re.search(r"(\d+) packets transmitted, (\d+) received", text)
    sent, received = (int(counts[1]), int(counts[2])) if counts else (0, 0)
    return Pinged(sent, received, done.returncode, text)


def first_ping_within(ns: Namespace, address: str, seconds: float) -> float:
    """Pings until one is answered; how long that took, or an AssertionError."""
    began = time.monotonic()
    if not wait_until(lambda: ping(ns, address, 1, wait=1).received == 1, seconds):
        raise AssertionError(f"no ping to {address} answered within {seconds} s")
    return time.monotonic() - began


def transfer(
    sender: Namespace, receiver: Namespace, address: str, megabytes: int, port: int = 7000
) -> dict:
    """One TCP stream; the receiver's report once both ends agree on the checksum."""
    with receiver.tool("sink", address, str(port)) as sink:
        read_line(sink)
        with sender.tool("source", address, str(port), str(megabytes)) as source:
            sent = json.loads(read_line(source, 120))
            got = json.loads(read_line(sink, 30))
    if got["bytes"] != megabytes << 20 or got["sha256"] != sent["sha256"]:
        raise AssertionError(f"sent {megabytes} MiB {sent}, received {got}")
    return got


def udp_trains(
    sender: Namespace, receiver: Namespace, address: str, size: int, flows: int = 3, port: int = 7001
) -> None:
    """Trains of datagrams on several flows: most arrive, all whole, and none before an earlier one."""
    with receiver.tool("collect", address, str(port), str(flows)) as collect:
        read_line(collect)
        with sender.tool("train", address, str(port), str(flows), "20", str(size)) as train:
            sent = json.loads(read_line(train, 60))["sent"]
            got = json.loads(read_line(collect, 60))
    if got["wrong"] or len(got["came"]) != flows or min(got["came"]) < sent * 0.5:
        raise AssertionError(f"{flows} flows of {sent} datagrams of {size} bytes: {got}")
