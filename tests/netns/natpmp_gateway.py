"""A NAT-PMP gateway: `natpmp_gateway.py ADDRESS FILE`.

FILE says what it answers with: "PORT LIFETIME", "refuse RESULT" or "silent". Each request is a line on stdout.
"""

from __future__ import annotations

import socket
import struct
import sys
from pathlib import Path

GATEWAY_PORT = 5351


def answer(request: bytes, words: list[str]) -> bytes | None:
    _, operation, _, internal, _, _ = struct.unpack("!BBHHHI", request)
    if words[0] == "silent":
        return None
    if words[0] == "refuse":
        return struct.pack("!BBHI", 0, 128 + operation, int(words[1]), 1)
    return struct.pack("!BBHIHHI", 0, 128 + operation, 0, 1, internal, int(words[0]), int(words[1]))


def main(address: str, file: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, GATEWAY_PORT))
        print("listening", flush=True)
        while True:
            request, client = server.recvfrom(64)
            print(request.hex(), flush=True)
            if said := answer(request, Path(file).read_text().split()):
                server.sendto(said, client)


if __name__ == "__main__":
    main(*sys.argv[1:])
