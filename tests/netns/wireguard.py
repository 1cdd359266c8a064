"""Keys, configurations, and Debian's wireguard-go with stock `wg` to talk to."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import subprocess
from typing import Self

from namespaces import Namespace
from processes import read_line, wait_until
from scratch import Scratch


def wg(*arguments: str, text: str = "") -> str:
    return subprocess.run(
        ["wg", *arguments], input=text, capture_output=True, text=True, check=True
    ).stdout.strip()


class Identity:
    """A key pair."""

    def __init__(self) -> None:
        self.private = wg("genkey")
        self.public = wg("pubkey", text=self.private)


@dataclasses.dataclass
class Peer:
    public: str
    allowed: list[str]
    endpoint: str | None = None
    psk: str | None = None
    keepalive: int = 0

    def section(self) -> str:
        lines = ["[Peer]", f"PublicKey = {self.public}", f"AllowedIPs = {', '.join(self.allowed)}"]
        lines += [f"Endpoint = {self.endpoint}"] if self.endpoint else []
        lines += [f"PresharedKey = {self.psk}"] if self.psk else []
        lines += [f"PersistentKeepalive = {self.keepalive}"] if self.keepalive else []
        return "\n".join(lines) + "\n"


@dataclasses.dataclass
class Config:
    private: str
    addresses: list[str]
    peers: list[Peer] = dataclasses.field(default_factory=list)
    port: int = 0
    mtu: int = 1420

    def for_wg(self) -> str:
        """The text for `wg setconf`."""
        head = ["[Interface]", f"PrivateKey = {self.private}"] + (
            [f"ListenPort = {self.port}"] if self.port else []
        )
        return "\n".join(head) + "\n\n" + "\n".join(peer.section() for peer in self.peers)

    def for_wg_quick(self) -> str:
        own = f"Address = {', '.join(self.addresses)}\nMTU = {self.mtu}\n"
        return self.for_wg().replace("[Interface]\n", "[Interface]\n" + own, 1)


def end_to_end(mine: Identity, theirs: Identity, number: int, **peer_options) -> Config:
    """The usual config of end `number` (1 or 2): 10.77.0.N and fd77::N, the other end allowed."""
    other = 3 - number
    return Config(
        mine.private,
        [f"10.77.0.{number}/24", f"fd77::{number}/64"],
        [Peer(theirs.public, [f"10.77.0.{other}/32", f"fd77::{other}/128"], **peer_options)],
    )


def loses_what_follows_ipv4() -> bool:
    """wireguard-go of 2023, as in Debian 13: the first packets on IPv6 after those on IPv4 go to an address whose last
    bytes are missing."""
    said = subprocess.run(["wireguard-go", "--version"], capture_output=True, text=True, check=True).stdout
    return "v0.0.2023" in said


def free_udp_port() -> int:
    """A port that is free on v4 and v6 now."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::", 0))
        return probe.getsockname()[1]


class WireguardGo:
    """Debian's wireguard-go on an interface of `ns` (with a mount namespace, for wg's socket)."""

    def __init__(
        self, scratch: Scratch, ns: Namespace, config: Config, ifname: str = "wg0"
    ) -> None:
        self.ns, self.config, self.ifname = ns, config, ifname
        self._scratch = scratch
        self._log = scratch.file(f"wireguard-go.{ifname}.log")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # It has failed once to make its socket, in a namespace where nothing else was: that is no test's subject.
        if not self._start() and not self._start():
            raise AssertionError(f"wireguard-go did not start:\n{self._log.read_text()}")
        commands = [
            f"address add {address} dev {self.ifname}" + (" nodad" if ":" in address else "")
            for address in self.config.addresses
        ]
        commands.append(f"link set {self.ifname} mtu {self.config.mtu} up")
        commands += [
            f"route replace {prefix} dev {self.ifname}"
            for peer in self.config.peers
            for prefix in peer.allowed
        ]
        self.ns.run("sh", "-c", "\n".join(f"ip {command} || exit 1" for command in commands))
        return self

    def _start(self) -> bool:
        """Whether it runs, and has its configuration."""
        with self._log.open("w") as stream:
            self._process = subprocess.Popen(
                self.ns.command("wireguard-go", "-f", self.ifname),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env={**os.environ, "LOG_LEVEL": "verbose"},
            )
        conf = self._scratch.file("peer.conf", self.config.for_wg())
        setconf = ("wg", "setconf", self.ifname, str(conf))
        if wait_until(lambda: self.ns.run(*setconf, check=False).returncode == 0, 5):
            return True
        self.kill()
        return False

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        wait_until(lambda: self.ifname not in self.ns.links(), 5)

    @property
    def port(self) -> int:
        return int(self.show("listen-port"))

    def show(self, field: str) -> str:
        return self.ns.run("wg", "show", self.ifname, field).stdout.strip()

    def peer(self, field: str, public: str) -> str:
        """One field of one peer, as `wg show` prints it."""
        rows = [line.split("\t") for line in self.show(field).splitlines()]
        return next(row[1] for row in rows if row[0] == public)

    def set(self, *arguments: str) -> None:
        self.ns.run("wg", "set", self.ifname, *arguments)


class Relay:
    """Brings the UDP port of a wireguard-go inside `ns` to the test's own 127.0.0.1.

    The outside reaches wireguard-go at `endpoint`; wireguard-go reaches `first_peer`, who is
    outside, at its own 127.0.0.1:`inside_port`.
    """

    def __init__(
        self, ns: Namespace, target_port: int, inside_port: int = 0, first_peer: str = "-"
    ) -> None:
        self._arguments = ns, target_port, inside_port, first_peer
        self._stack = contextlib.ExitStack()
        self.endpoint = ""

    def __enter__(self) -> Self:
        ns, target_port, inside_port, first_peer = self._arguments
        with contextlib.ExitStack() as stack, socket.socket(
            socket.AF_INET, socket.SOCK_DGRAM
        ) as outside:
            outside.bind(("127.0.0.1", 0))
            self.endpoint = f"127.0.0.1:{outside.getsockname()[1]}"
            process = stack.enter_context(
                ns.tool(
                    "relay",
                    str(outside.fileno()),
                    str(inside_port),
                    f"127.0.0.1:{target_port}",
                    first_peer,
                    pass_fds=(outside.fileno(),),
                )
            )
            read_line(process)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
