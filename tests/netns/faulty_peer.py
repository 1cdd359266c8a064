"""Peers with which something is wrong, for the tests of the diagnosis: `faulty_peer.py FAULT ARGS`."""

from __future__ import annotations

import base64
import ctypes
import ctypes.util
import hashlib
import os
import selectors
import socket
import sys
from collections.abc import Callable

INITIATION, COOKIE_REPLY, DATA = 1, 3, 4
MAC1 = slice(116, 132)  # of an initiation


def bound(port: str) -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.bind(("0.0.0.0", int(port)))
    return found


def ready() -> None:
    print("ready", flush=True)


def mute(port: str) -> None:
    """Hears all and says nothing."""
    with bound(port) as peer:
        ready()
        while True:
            peer.recv(65536)


def cookies(port: str, public_key: str) -> None:
    """Answers each initiation with a cookie (whitepaper 5.4.7), as if always under load."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    key = hashlib.blake2s(b"cookie--" + base64.b64decode(public_key)).digest()
    with bound(port) as peer:
        ready()
        while True:
            message, sender = peer.recvfrom(65536)
            if message[0] != INITIATION:
                continue
            nonce, sealed = os.urandom(24), ctypes.create_string_buffer(32)
            mac1 = message[MAC1]
            sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
                sealed, None, os.urandom(16), ctypes.c_ulonglong(16), mac1,
                ctypes.c_ulonglong(len(mac1)), None, nonce, key,
            )  # fmt: skip
            head = bytes([COOKIE_REPLY, 0, 0, 0])
            peer.sendto(head + message[4:8] + nonce + sealed.raw, sender)


def no_data(port: str, target: str) -> None:
    """Carries handshakes, and nothing else."""
    carry(port, target, lambda message: message[0] != DATA)


def only_small(port: str, target: str, limit: str) -> None:
    """Carries datagrams of up to `limit` bytes."""
    carry(port, target, lambda message: len(message) <= int(limit))


def carry(port: str, target: str, passes: Callable[[bytes], bool]) -> None:
    """Relays datagrams between one outside peer and 127.0.0.1:`target`."""
    with bound(port) as outside, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inside:
        inside.connect(("127.0.0.1", int(target)))
        selector = selectors.DefaultSelector()
        selector.register(outside, selectors.EVENT_READ)
        selector.register(inside, selectors.EVENT_READ)
        ready()
        sender = None
        while True:
            for entry, _ in selector.select():
                if entry.fileobj is outside:
                    message, sender = outside.recvfrom(65536)
                    if passes(message):
                        inside.send(message)
                else:
                    message = inside.recv(65536)
                    if passes(message) and sender:
                        outside.sendto(message, sender)


FAULTS = {fault.__name__.replace("_", "-"): fault for fault in (mute, cookies, no_data, only_small)}

if __name__ == "__main__":
    FAULTS[sys.argv[1]](*sys.argv[2:])
