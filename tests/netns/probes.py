"""Traffic of the tests through a tunnel: pings, and TCP streams with a checksum at both ends."""

from __future__ import annotations

import json
import time

from echo import Echoed, echo
from namespaces import Namespace
from processes import PATIENCE_S, read_line, wait_until


def ping(ns: Namespace, address: str, count: int = 3, *, wait: float = PATIENCE_S, **options) -> Echoed:
    """`wait`: seconds for the answers, after the last request; echo() has the options."""
    return echo(ns.paths, address, count, wait=wait, **options)


def first_ping_within(ns: Namespace, address: str, seconds: float) -> float:
    """Pings until one is answered; how long that took, or an AssertionError."""
    began = time.monotonic()
    if not wait_until(lambda: ping(ns, address, 1, wait=1).received == 1, seconds):
        raise AssertionError(f"no ping to {address} answered within {seconds} s")
    return time.monotonic() - began


def all_pings_within(ns: Namespace, address: str, seconds: float, count: int = 5) -> None:
    """Pings until `count` in a row are answered, or an AssertionError."""
    if not wait_until(lambda: ping(ns, address, count, wait=1).received == count, seconds):
        raise AssertionError(f"not {count} pings in a row to {address} answered within {seconds} s")


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
    sender: Namespace, receiver: Namespace, *stages: str, flows: int = 3, port: int = 7001
) -> None:
    """Trains of datagrams on several flows, for each stage, an `ADDRESS/SIZE`: most arrive, all whole, and none
    before an earlier one.
    """
    with receiver.tool("collect", str(port), str(flows), str(len(stages))) as collect:
        read_line(collect)
        with sender.tool("train", str(port), str(flows), "20", *stages) as train:
            told = [json.loads(read_line(collect, 60)) for _ in stages]
            sent = json.loads(read_line(train, 60))["sent"]
    for stage, count, got in zip(stages, sent, told):
        if got["wrong"] or len(got["came"]) != flows or min(got["came"]) < count * 0.5:
            raise AssertionError(f"{flows} flows of {count} datagrams to {stage}: {got}")
