"""Small traffic tools that the tests run inside namespaces: `traffic.py TOOL ARGS`.

Each tool prints JSON lines, so that a test can wait for "it listens now" and compare what both
ends saw.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import selectors
import socket
import struct
import sys
import time
from collections.abc import Iterator

CHUNK = 1 << 20


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def stream(megabytes: int) -> Iterator[bytes]:
    """The same bytes at every run, no two chunks alike: a lost or repeated one shows."""
    block = random.Random(4).randbytes(CHUNK)
    for number in range(megabytes):
        yield struct.pack("!Q", number) + block[8:]


def sink(address: str, port: str) -> None:
    """Accepts one TCP connection, reads it to its end, and prints what it received."""
    with socket.create_server((address, int(port)), family=family_of(address)) as server:
        say(listening=True)
        connection, peer = server.accept()
        digest, size, began = hashlib.sha256(), 0, time.monotonic()
        with connection:
            while data := connection.recv(CHUNK):
                digest.update(data)
                size += len(data)
    say(peer=peer[0], bytes=size, sha256=digest.hexdigest(), seconds=time.monotonic() - began)


def source(address: str, port: str, megabytes: str) -> None:
    """Sends the deterministic stream over one TCP connection."""
    digest = hashlib.sha256()
    with socket.create_connection((address, int(port)), timeout=60) as connection:
        for chunk in stream(int(megabytes)):
            digest.update(chunk)
            connection.sendall(chunk)
    say(sha256=digest.hexdigest())


def listen(address: str, port: str) -> None:
    """Prints each datagram that arrives, with the address that it came from."""
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as receiver:
        receiver.bind((address, int(port)))
        say(listening=True)
        while True:
            data, peer = receiver.recvfrom(65536)
            say(source=peer[0], text=data.decode())


def datagram(local: str, address: str, port: str, text: str) -> None:
    """Sends one datagram from a chosen source address."""
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as sender:
        sender.bind((local, 0))
        sender.sendto(text.encode(), (address, int(port)))


TRAIN = 40  # datagrams
SOL_UDP, UDP_SEGMENT = 17, 103  # Python's socket module does not have the second


def train(port: str, flows: str, trains: str, *stages: str) -> None:
    """Sends numbered datagrams to `port` in stages of `ADDRESS/SIZE`, on `flows` flows at once. What fits the MTU goes
    in trains that the kernel cuts (UDP_SEGMENT). The next train of a flow waits until the last one has come, or is
    taken for lost: nobody's buffers are full only because that process does not get to run.
    """
    say(sent=[train_stage(i, stage, int(port), int(flows), int(trains)) for i, stage in enumerate(stages)])


def train_stage(index: int, stage: str, port: int, flows: int, trains: int) -> int:
    address, _, size = stage.rpartition("/")
    length = int(size)
    per_train = TRAIN if length < 1400 else 1
    senders = []
    for _ in range(flows):
        sender = socket.socket(family_of(address), socket.SOCK_DGRAM)
        if per_train > 1:
            sender.setsockopt(SOL_UDP, UDP_SEGMENT, length)
        sender.connect((address, port))
        senders.append(sender)
    for number in range(trains):
        first = number * per_train
        numbered = [struct.pack("!I", first + i) * (length // 4) for i in range(per_train)]
        for sender in senders:
            sender.send(b"".join(numbered))
        last = struct.pack("!I", first + per_train - 1)
        for sender in senders:
            sender.settimeout(1)
            with contextlib.suppress(TimeoutError):
                while sender.recv(4) != last:
                    pass
    for sender in senders:
        end(sender, index)
    return trains * per_train


END = b"end"  # and the number of the stage: no longer than the shortest datagram, for the kernel would cut it


def end(sender: socket.socket, stage: int) -> None:
    """Ends a flow, and waits until the other end knows. It tells of which stage: a flow of another one may have had
    the same port.
    """
    last = END + bytes([stage])
    sender.settimeout(1)
    for _ in range(60):
        sender.send(last)
        with contextlib.suppress(TimeoutError):
            while sender.recv(len(last)) != last:
                pass
            return
    raise AssertionError("no answer to the end of a flow")


def collect(port: str, flows: str, stages: str) -> None:
    """What train() sends: for each stage how many datagrams came on each flow, and whether all were whole and in
    order. Says back each number that ends a train, and each end.
    """
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        receiver.bind(("::", int(port)))
        receiver.settimeout(60)
        say(listening=True)
        ended: set[tuple] = set()
        for _ in range(int(stages)):
            collect_stage(receiver, int(flows), ended)


def collect_stage(receiver: socket.socket, flows: int, ended: set[tuple]) -> None:
    came: dict[tuple, int] = {}
    last: dict[tuple, int] = {}
    wrong, until = 0, len(ended) + flows
    while len(ended) < until:
        data, peer = receiver.recvfrom(65536)
        if data.startswith(END):
            ended.add((peer, data))
            receiver.sendto(data, peer)
            continue
        (number,) = struct.unpack("!I", data[:4])
        if len(data) >= 1400 or number % TRAIN == TRAIN - 1:
            receiver.sendto(data[:4], peer)
        whole = data == data[:4] * (len(data) // 4)
        wrong += not (whole and number > last.get(peer, -1))
        last[peer] = number
        came[peer] = came.get(peer, 0) + 1
    say(came=sorted(came.values()), wrong=wrong)


def internet_checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def first_reply(address: str, limit_s: str) -> None:
    """Pings without pause until the first echo reply; prints its instant (CLOCK_MONOTONIC).

    Starts before there is a route: "unreachable" only means "not yet".
    """
    head = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xFFFF, 1)
    request = head[:2] + struct.pack("!H", internet_checksum(head)) + head[4:]
    deadline = time.monotonic() + float(limit_s)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as icmp:
        icmp.settimeout(0.05)
        say(listening=True)
        while time.monotonic() < deadline:
            try:
                icmp.sendto(request, (address, 0))
            except OSError:
                time.sleep(0.0002)
                continue
            try:
                while icmp.recv(2048)[20] != 0:  # a reply, not an "unreachable"
                    pass
            except TimeoutError:
                continue
            say(instant=time.monotonic())
            return
    say(instant=None)


def relay(outside_fd: str, inside_port: str, target: str, first_peer: str) -> None:
    """Carries datagrams between a socket of another network and `target` (ADDRESS:PORT) here.

    Each outside address gets its own socket here, so that the target sees the roaming. `first_peer`
    (ADDRESS:PORT outside, or "-") gets what the target sends to `inside_port`, even when it has
    not spoken yet.
    """
    outside = socket.socket(fileno=int(outside_fd))
    host, _, port = target.rpartition(":")
    target_address = (host, int(port))
    inside_of: dict[tuple[str, int], socket.socket] = {}
    selector = selectors.DefaultSelector()
    selector.register(outside, selectors.EVENT_READ, None)

    def open_inside(peer: tuple[str, int], local_port: int) -> socket.socket:
        inside = socket.socket(family_of(host), socket.SOCK_DGRAM)
        inside.setblocking(False)
        inside.bind((host, local_port))
        inside.connect(target_address)
        selector.register(inside, selectors.EVENT_READ, peer)
        inside_of[peer] = inside
        return inside

    def carry_out(inside: socket.socket, peer: tuple[str, int]) -> None:
        for data in drain(lambda: inside.recv(65536)):
            attempt(lambda: outside.sendto(data, peer))

    def carry_in() -> None:
        for data, peer in drain(lambda: outside.recvfrom(65536)):
            inside = inside_of.get(peer[:2]) or open_inside(peer[:2], 0)
            attempt(lambda: inside.send(data))

    outside.setblocking(False)
    outside.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    if first_peer != "-":
        peer_host, _, peer_port = first_peer.rpartition(":")
        open_inside((peer_host, int(peer_port)), int(inside_port))
    say(listening=True)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                carry_in()
            else:
                carry_out(key.fileobj, key.data)


def drain(receive) -> Iterator:
    """The waiting datagrams, at most a few hundred, so that no side starves the other."""
    for _ in range(256):
        try:
            yield receive()
        except BlockingIOError:
            return
        except ConnectionRefusedError:
            continue


def attempt(send) -> None:
    try:
        send()
    except OSError:
        pass  # a full or refusing socket loses the datagram, as a network would


TOOLS = {
    tool.__name__.replace("_", "-"): tool
    for tool in (sink, source, listen, datagram, train, collect, first_reply, relay)
}

if __name__ == "__main__":
    TOOLS[sys.argv[1]](*sys.argv[2:])
