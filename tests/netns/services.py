"""Services inside a namespace for the tests of published ports: `services.py SERVICE ADDRESS PORT`.

Each prints a line once it listens, and serves until it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import resource
import socket
import struct
import sys
import time
from pathlib import Path

CHUNK = 1 << 20


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve_tcp(handler, address: str, port: str) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    async def main() -> None:
        server = await asyncio.start_server(handler, address, int(port), backlog=4096)
        print("listening", flush=True)
        await server.serve_forever()

    asyncio.run(main())


def echo(address: str, port: str) -> None:
    """Echoes its input at once, and ends at its end."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionResetError):
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()
        writer.close()

    serve_tcp(handle, address, port)


def digest(address: str, port: str) -> None:
    """Reads up to the end of the client's half, and only then answers: the input, and the client's address."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = hashlib.sha256()
        while data := await reader.read(CHUNK):
            heard.update(data)
        peer = writer.get_extra_info("peername")[0]
        writer.write(f"{heard.hexdigest()} {peer}".encode())
        await writer.drain()
        writer.close()

    serve_tcp(handle, address, port)


def rude(address: str, port: str) -> None:
    """Hears one piece, says "half", hears another one, and resets the connection."""
    with socket.create_server((address, int(port)), family=family_of(address)) as server:
        print("listening", flush=True)
        while True:
            connection, _ = server.accept()
            connection.recv(CHUNK)
            connection.sendall(b"half")
            connection.recv(CHUNK)
            at_once = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            connection.close()


def brief(address: str, port: str) -> None:
    """Hears one piece, and closes."""
    with socket.create_server((address, int(port)), family=family_of(address)) as server:
        print("listening", flush=True)
        while True:
            connection, _ = server.accept()
            with connection:
                connection.recv(CHUNK)


def stuck(address: str, port: str) -> None:
    """Accepts and never reads."""
    with socket.create_server((address, int(port)), family=family_of(address)) as server:
        print("listening", flush=True)
        kept = []
        while True:
            kept.append(server.accept())


def drain(address: str, port: str) -> None:
    """Reads and throws away, as fast as it can; tells the rate in Gbit/s after each connection."""
    with socket.create_server((address, int(port)), family=family_of(address)) as server:
        print("listening", flush=True)
        room = bytearray(CHUNK)
        while True:
            connection, _ = server.accept()
            began, size = time.monotonic(), 0
            with connection:
                while got := connection.recv_into(room):
                    size += got
            print(f"{size * 8e-9 / (time.monotonic() - began):.2f}", flush=True)


def udp_echo(address: str, port: str) -> None:
    """Says back each datagram, with the port that it came from in front."""
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as server:
        server.bind((address, int(port)))
        print("listening", flush=True)
        while True:
            data, peer = server.recvfrom(65536)
            server.sendto(f"{peer[1]} ".encode() + data, peer)


def names(address: str, port: str, file: str) -> None:
    """A DNS server: every name has the IPv4 address in the file; while there is no file, no name exists."""
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as server:
        server.bind((address, int(port)))
        print("listening", flush=True)
        while True:
            query, client = server.recvfrom(512)
            end = query.index(0, 12) + 5
            wants_a, known = query[end - 3] == 1, Path(file).exists()
            head = query[:2] + struct.pack("!5H", 0x8180 + (0 if known else 3), 1, known and wants_a, 0, 0)
            reply = head + query[12:end]
            if known and wants_a:
                reply += struct.pack("!HHHIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton(Path(file).read_text())
            server.sendto(reply, client)


SERVICES = {
    service.__name__.replace("_", "-"): service
    for service in (echo, digest, rude, brief, stuck, drain, udp_echo, names)
}

if __name__ == "__main__":
    SERVICES[sys.argv[1]](*sys.argv[2:])
