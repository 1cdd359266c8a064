"""The arrangements that most tests begin with: a wireguard-go, our program at one or both ends."""

from __future__ import annotations

import dataclasses

from harness import TestCase
from namespaces import Namespace, World
from program import Wg4
from wireguard import Config, Identity, Relay, WireguardGo, end_to_end, free_udp_port, wg

OURS, THEIRS = "10.77.0.1", "10.77.0.2"
OURS6, THEIRS6 = "fd77::1", "fd77::2"


class LoopbackPeer:
    """A wireguard-go in its own namespaces, its UDP port brought to the test's 127.0.0.1.

    `config` is what our program needs to reach it, or to be reached when wireguard-go initiates.
    """

    def __init__(self, case: TestCase, *, psk: bool = False, initiates: bool = False) -> None:
        self.ours, self.theirs = Identity(), Identity()
        key = wg("genpsk") if psk else None
        self.ns = case.namespace(mount=True)
        port, inside, answer_port = 51820, 51821, free_udp_port() if initiates else 0
        config = end_to_end(
            self.theirs,
            self.ours,
            2,
            psk=key,
            endpoint=f"127.0.0.1:{inside}" if initiates else None,
        )
        config.port = port
        self.go: WireguardGo = case.wireguard_go(self.ns, config)
        first_peer = f"127.0.0.1:{answer_port}" if initiates else "-"
        self.relay: Relay = case.enterContext(Relay(self.ns, port, inside, first_peer))
        self.config = end_to_end(
            self.ours, self.theirs, 1, psk=key, endpoint=None if initiates else self.relay.endpoint
        )
        self.config.port = answer_port

    def handshake_seen(self) -> bool:
        return self.go.peer("latest-handshakes", self.ours.public) != "0"


@dataclasses.dataclass
class Tunnel:
    """Our program in the World's host, serving a container below it; wireguard-go far away."""

    world: World
    container: Namespace
    ours: Identity
    theirs: Identity
    wg4: Wg4
    go: WireguardGo

    def endpoint_at_go(self) -> str:
        return self.go.peer("endpoints", self.ours.public)


def tunnel_in_world(
    case: TestCase, *, over_v6: bool = False, we_dial: bool = True, they_dial: bool = False
) -> Tunnel:
    """Both ends up; the side that may initiate knows the other's endpoint."""
    world = case.enterContext(World())
    container = case.namespace(world.host)
    ours, theirs = Identity(), Identity()
    host, far = (f"[{World.HOST6}]", f"[{World.FAR6}]") if over_v6 else (World.HOST, World.FAR)
    config = end_to_end(ours, theirs, 1, endpoint=f"{far}:5002" if we_dial else None)
    config.port = 5001
    go_config = end_to_end(theirs, ours, 2, endpoint=f"{host}:5001" if they_dial else None)
    go_config.port = 5002
    go = case.wireguard_go(world.far, go_config)
    wg4 = case.wg4(container, config, where=world.host)
    return Tunnel(world, container, ours, theirs, wg4, go)


@dataclasses.dataclass
class Pair:
    """Our program at both ends, as a plain user, over one loopback address."""

    one: Namespace
    other: Namespace
    config: Config
    other_config: Config


def pair_on_loopback(case: TestCase, loopback: str = "127.0.0.1", psk: bool = False) -> Pair:
    """Two namespaces and the configs of both ends; the first one dials. Nothing is started yet."""
    first, second = Identity(), Identity()
    key, port = wg("genpsk") if psk else None, free_udp_port()
    config = end_to_end(first, second, 1, psk=key, endpoint=f"{loopback}:{port}")
    other_config = end_to_end(second, first, 2, psk=key)
    other_config.port = port
    return Pair(case.namespace(), case.namespace(), config, other_config)
