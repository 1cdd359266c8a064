"""Servers behind the WireGuard peer: a web server that answers with the client's address, and a DNS server.

`far_services.py ADDRESS... ` serves on each ADDRESS: HTTP on port 80, DNS on port 53, UDP and TCP.
The only name is `target.test`: the address asked at, of the family asked for. Prints a JSON line
when all of it listens, and one for each DNS query.
"""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import sys
import threading

NAME = b"\x06target\x04test\x00"
TYPES = {socket.AF_INET: 1, socket.AF_INET6: 28}


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def answer(query: bytes, address: str) -> bytes:
    """The answer to a query of one question: the address, nothing (NOERROR) or NXDOMAIN."""
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    name, kind = question[:-4].lower(), struct.unpack("!H", question[-4:-2])[0]
    known = name == NAME
    records = b""
    if known and kind == TYPES[family_of(address)]:
        data = socket.inet_pton(family_of(address), address)
        records = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(data)) + data
    flags = 0x8180 | (0 if known else 3)
    header = query[:2] + struct.pack("!HHHHH", flags, 1, 1 if records else 0, 0, 0)
    return header + question + records


class Web(socketserver.StreamRequestHandler):
    """One page: the address that the request came from."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        page = f"hello {self.client_address[0]}\n".encode()
        head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(page)}\r\n\r\n".encode()
        self.wfile.write(head + page)


class DnsUdp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        query, sock = self.request
        say(dns="udp", source=self.client_address[0])
        sock.sendto(answer(query, self.server.server_address[0]), self.client_address)


class DnsTcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        size = self.rfile.read(2)
        if len(size) == 2:
            query = self.rfile.read(struct.unpack("!H", size)[0])
            say(dns="tcp", source=self.client_address[0])
            reply = answer(query, self.server.server_address[0])
            self.wfile.write(struct.pack("!H", len(reply)) + reply)


def serve(kind: type, address: str, port: int, handler: type) -> None:
    server_type = type(
        "Server",
        (socketserver.ThreadingMixIn, kind),
        {"address_family": family_of(address), "allow_reuse_address": True, "daemon_threads": True},
    )
    server = server_type((address, port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    for address in sys.argv[1:]:
        serve(socketserver.TCPServer, address, 80, Web)
        serve(socketserver.UDPServer, address, 53, DnsUdp)
        serve(socketserver.TCPServer, address, 53, DnsTcp)
    say(listening=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
