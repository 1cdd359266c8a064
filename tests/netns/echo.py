"""Pings, sent by a child of the test's own process that enters the namespace.

Debian's ping gives the last answer no more time than the others took, and so reports a loss where the machine was busy.
This one waits, sends no more than it was told to, and is there in milliseconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Callable

PAYLOAD = bytes(range(56))
NEVER_CUT = (socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO
NEVER_CUT6 = (socket.IPPROTO_IPV6, 23, 2)
REQUEST, REPLY, REQUEST6, REPLY6 = 8, 0, 128, 129


@dataclasses.dataclass(frozen=True)
class Echoed:
    received: int
    slowest_s: float
    text: str  # the result of each


def echo(
    namespaces: list[str],
    address: str,
    count: int,
    *,
    size: int = 56,
    whole: bool = False,
    interval: float = 0.05,
    wait: float,
) -> Echoed:
    """`count` requests of `size` bytes to `address` from within `namespaces`, paths, the user namespace first. Answers
    may take `wait` seconds more. `whole`: none may be cut on the way.
    """
    return Echoed(
        **in_child(
            namespaces, lambda: send_and_hear(address, count, size, whole, interval, wait)
        )
    )


def in_child(namespaces: list[str], body: Callable[[], dict]) -> dict:
    """Runs `body` in a child in `namespaces`, and returns its result."""
    files = [os.open(path, os.O_RDONLY) for path in namespaces]
    read_end, write_end = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            for file in files:
                if libc.setns(file, 0) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            told = body()
        except BaseException as error:  # whatever it is, the parent has to know
            told = {"error": f"{type(error).__name__}: {error}"}
        os.write(write_end, json.dumps(told).encode())
        os._exit(0)
    os.close(write_end)
    for file in files:
        os.close(file)
    with os.fdopen(read_end, "rb") as stream:
        text = stream.read()
    os.waitpid(child, 0)
    told = json.loads(text or b'{"error": "it was killed"}')
    if "error" in told:
        raise AssertionError(f"a ping from {namespaces}: {told['error']}")
    return told


def send_and_hear(address: str, count: int, size: int, whole: bool, interval: float, wait: float) -> dict:
    six = ":" in address
    sent: list[float] = []  # when
    took: dict[int, float] = {}
    kind = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
    payload = (PAYLOAD * (size // len(PAYLOAD) + 1))[:size]
    problem = ""
    with socket.socket(kind[0], socket.SOCK_RAW, kind[1]) as icmp:
        icmp.setblocking(False)
        if whole:
            icmp.setsockopt(*(NEVER_CUT6 if six else NEVER_CUT))
        for number in range(1, count + 1):
            sent.append(time.monotonic())
            try:
                icmp.sendto(request(six, number, payload), (address, 0))
            except OSError as error:
                problem = str(error)
                if not took:
                    break  # there is no way to it
            end = sent[-1] + (interval if number < count else wait)
            while len(took) < count and (rest := end - time.monotonic()) > 0:
                if select.select([icmp], [], [], rest)[0]:
                    hear(icmp, six, sent, took)
    lines = [problem] if problem else []
    lines += [f"{number}: {took.get(number, 'lost')}" for number in range(1, len(sent) + 1)]
    slowest = max(took.values(), default=0.0)
    return {"received": len(took), "slowest_s": slowest, "text": "\n".join([address, *lines])}


def request(six: bool, number: int, payload: bytes) -> bytes:
    """The kernel fills in the checksum of ICMPv6."""
    head = struct.pack("!BBHHH", REQUEST6 if six else REQUEST, 0, 0, os.getpid() & 0xFFFF, number)
    checksum = 0 if six else internet_checksum(head + payload)
    return head[:2] + struct.pack("!H", checksum) + head[4:] + payload


def internet_checksum(data: bytes) -> int:
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def hear(icmp: socket.socket, six: bool, sent: list[float], took: dict[int, float]) -> None:
    """Notes how long each answer took that is there."""
    with contextlib.suppress(BlockingIOError):
        while True:
            data = icmp.recv(65536)
            data = data if six else data[(data[0] & 15) * 4 :]  # without the head of IPv4
            kind, _, _, whose, number = struct.unpack("!BBHHH", data[:8])
            ours = (kind, whose) == (REPLY6 if six else REPLY, os.getpid() & 0xFFFF)
            if ours and 0 < number <= len(sent):
                took.setdefault(number, time.monotonic() - sent[number - 1])
