"""Each fault that keeps two peers apart, for real: the log says which one it is, in one line, and no more."""

import contextlib
import dataclasses
import os
import re
import time

import harness
from namespaces import HERE, PYTHON, World
from processes import PATIENCE_S, read_line, wait_until
from program import Wg4, bindir
from wireguard import Config, Identity, Peer, wg

OUR_PORT = 5001
SILENCE_S = 15  # three initiations
PATIENCE_S = 30  # a machine that is busy


@dataclasses.dataclass
class Fault:
    """A misconfigured peer, and the expected lines of the log."""

    endpoint: str
    says: str
    theirs: Identity = dataclasses.field(default_factory=Identity)
    psk: str | None = None
    public: str = ""  # its key in our configuration

    def peer(self, number: int) -> Peer:
        return Peer(
            self.public or self.theirs.public,
            [f"10.8.{number}.0/24"],
            endpoint=self.endpoint,
            psk=self.psk,
            keepalive=1,
        )


class DiagnosisTestCase(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = self.enterContext(World())
        self.ours = Identity()
        self.port = 6000

    def next_port(self) -> int:
        self.port += 1
        return self.port

    def faulty(self, *arguments: str) -> None:
        """A peer of faulty_peer.py, far away."""
        command = [PYTHON, str(HERE / "faulty_peer.py"), *arguments]
        read_line(self.enterContext(self.world.far.background(*command)))

    def peer_at(self, port: int, theirs: Identity, us: Peer) -> Wg4:
        """Our program as the peer, far away, that knows `us`."""
        config = Config(theirs.private, ["10.9.0.2/24"], [us], port=port)
        return self.wg4(self.namespace(self.world.far), config, where=self.world.far)

    def ourselves(self, *peers: Peer) -> Wg4:
        config = Config(self.ours.private, ["10.9.0.1/24"], list(peers), port=OUR_PORT)
        return self.wg4(self.namespace(self.world.host), config, where=self.world.host)

    def said(self, wg4: Wg4, public: str) -> list[str]:
        """The log's lines about a peer, without their heads."""
        head = rf"wireguard4netns: (?:warning: )?peer {re.escape(public)} \([^)]*\): "
        return [
            line[found.end() :]
            for line in wg4.log.read_text().splitlines()
            if (found := re.match(head, line))
        ]

    def assert_says(self, wg4: Wg4, public: str, *patterns: str, seconds: float = PATIENCE_S) -> None:
        """One line for each pattern, in this order, and no other one."""
        wait_until(lambda: len(self.said(wg4, public)) >= len(patterns), seconds, 0.1)
        lines = self.said(wg4, public)
        self.assertEqual(len(lines), len(patterns), lines)
        for line, pattern in zip(lines, patterns):
            self.assertRegex(line, "^" + pattern)

    def shown(self, wg4: Wg4) -> dict[str, str]:
        """The findings in `show`, by peer."""
        text = self.world.host.run(str(bindir() / "wireguard4netns"), "show", "wg0", "details").stdout
        told = (line.split("\t", 1) for line in text.splitlines())
        return dict(value.split(" ", 1) for name, value in told if name == "diagnosis")

    def keep_pinging(self, wg4: Wg4, address: str) -> None:
        ping = ("ping", "-n", "-q", "-i", "0.5", address)
        self.enterContext(wg4.target.background(*ping))


class Unanswered(DiagnosisTestCase):
    def mute(self) -> Fault:
        port = self.next_port()
        self.faulty("mute", str(port))
        return Fault(
            f"{World.FAR}:{port}",
            rf"no answer to 3 handshake initiations, and no error either\. .*{re.escape(self.ours.public)}",
        )

    def closed(self, over_v6: bool = False) -> Fault:
        address, spelled = (World.FAR6, f"[{World.FAR6}]") if over_v6 else (World.FAR, World.FAR)
        says = f"nothing listens on that UDP port, {re.escape(address)} says"
        return Fault(f"{spelled}:{self.next_port()}", says)

    def no_host(self) -> Fault:
        return Fault("192.0.2.77:7", "the host cannot be reached, .* says")

    def no_route(self) -> Fault:
        return Fault("203.0.113.1:7", "this host has no route to the endpoint")

    def forbidden(self) -> Fault:
        self.world.host.ip("route add prohibit 198.51.100.0/24")
        return Fault("198.51.100.1:7", "a firewall or a route of this host forbids it")

    def rejected_on_the_way(self) -> Fault:
        self.world.host.ip(f"route add 198.18.0.0/24 via {World.FAR}")
        self.world.far.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        self.world.far.ip("route add unreachable 198.18.0.0/24")
        return Fault("198.18.0.1:7", rf"the host cannot be reached, {re.escape(World.FAR)} says")

    def other_psk(self) -> Fault:
        port, theirs = self.next_port(), Identity()
        self.peer_at(port, theirs, Peer(self.ours.public, ["10.9.0.1/32"], psk=wg("genpsk")))
        says = "it answers, but its answers do not authenticate: .* preshared keys"
        return Fault(f"{World.FAR}:{port}", says, theirs, wg("genpsk"))

    def always_busy(self) -> Fault:
        port, theirs = self.next_port(), Identity()
        self.faulty("cookies", str(port), theirs.public)
        return Fault(f"{World.FAR}:{port}", "it is under load and asks for a cookie", theirs)

    def wrong_peer_key(self) -> Fault:
        """The peer calls with the key that it has."""
        port, theirs = self.next_port(), Identity()
        us = Peer(self.ours.public, ["10.9.0.1/32"], f"{World.HOST}:{OUR_PORT}", keepalive=1)
        self.peer_at(port, theirs, us)
        says = f"no answer, and .* have the public key {re.escape(theirs.public)}, which no peer here"
        return Fault(f"{World.FAR}:{port}", says, public=Identity().public)

    def wrong_own_key(self) -> Fault:
        """The peer sends initiations to another key than ours."""
        port, theirs = self.next_port(), Identity()
        us = Peer(Identity().public, ["10.9.0.1/32"], f"{World.HOST}:{OUR_PORT}", keepalive=1)
        self.peer_at(port, theirs, us)
        says = f"no answer, and .* another public key than ours.*{re.escape(self.ours.public)}"
        return Fault(f"{World.FAR}:{port}", says, theirs)

    def test_each_by_its_name(self) -> None:
        faults = [
            self.mute(),
            self.closed(),
            self.closed(over_v6=True),
            self.no_host(),
            self.no_route(),
            self.forbidden(),
            self.rejected_on_the_way(),
            self.other_psk(),
            self.always_busy(),
            self.wrong_peer_key(),
            self.wrong_own_key(),
        ]
        port, healthy = self.next_port(), Identity()
        self.peer_at(port, healthy, Peer(self.ours.public, ["10.9.0.1/32"]))
        good = Peer(healthy.public, ["10.9.0.2/32"], f"{World.FAR}:{port}", keepalive=1)
        wg4 = self.ourselves(good, *(fault.peer(number) for number, fault in enumerate(faults)))
        self.assert_confined(wg4.pid)
        self.keep_pinging(wg4, "10.9.0.2")
        time.sleep(SILENCE_S / 2)
        early = wg4.log.read_text()
        if time.monotonic() - wg4.started < SILENCE_S:
            self.assertNotIn("warning", early)
        time.sleep(PATIENCE_S - SILENCE_S / 2)
        for fault in faults:
            with self.subTest(fault.says):
                self.assert_says(wg4, fault.public or fault.theirs.public, fault.says)
        self.assert_says(wg4, healthy.public)
        self.assert_pings(wg4.target, "10.9.0.2")
        shown = self.shown(wg4)
        for fault in faults:
            public = fault.public or fault.theirs.public
            self.assertEqual(shown[public], self.said(wg4, public)[0])
        self.assertNotIn(healthy.public, shown)
        # A sanitizer's remarks begin with "==".
        lines = [line for line in wg4.log.read_text().splitlines() if not line.startswith("==")]
        self.assertEqual(len(lines), 1 + len(faults), "one line each, and that it is up")

    def test_over_when_the_peer_answers(self) -> None:
        fault = self.closed()
        wg4 = self.ourselves(fault.peer(0))
        self.assert_says(wg4, fault.theirs.public, fault.says)
        port = int(fault.endpoint.rpartition(":")[2])
        self.peer_at(port, fault.theirs, Peer(self.ours.public, ["10.9.0.1/32"]))
        self.assert_says(wg4, fault.theirs.public, fault.says, "works again$")

    def test_clock_that_is_behind(self) -> None:
        """No clock can be set in here: instead the configuration is of tomorrow."""
        fault = self.mute()
        config = Config(self.ours.private, ["10.9.0.1/24"], [fault.peer(0)])
        target = self.namespace(self.world.host)
        wg4 = Wg4(self.scratch, target, config, where=self.world.host)
        tomorrow = time.time() + 86400
        os.utime(wg4.config_path, (tomorrow, tomorrow))
        self.enterContext(wg4)
        says = "no answer, and the clock of this host shows a time before the configuration was written"
        self.assert_says(wg4, fault.theirs.public, says)


class OneWay(DiagnosisTestCase):
    def test_no_data_and_no_packets(self) -> None:
        """One peer's AllowedIPs keep us out; to the other only handshakes pass."""
        closed, behind, inner_port = self.next_port(), self.next_port(), self.next_port()
        closed_key, behind_key = Identity(), Identity()
        self.peer_at(closed, closed_key, Peer(self.ours.public, ["10.99.0.0/24"]))
        self.peer_at(inner_port, behind_key, Peer(self.ours.public, ["10.9.0.1/32"]))
        self.faulty("no-data", str(behind), str(inner_port))
        wg4 = self.ourselves(
            Peer(closed_key.public, ["10.9.0.2/32"], f"{World.FAR}:{closed}"),
            Peer(behind_key.public, ["10.9.0.3/32"], f"{World.FAR}:{behind}"),
        )
        self.keep_pinging(wg4, "10.9.0.2")
        self.keep_pinging(wg4, "10.9.0.3")
        no_data = "handshakes work and keepalives come, but no data does"
        no_packets = "handshakes work, but for what was sent since nothing came back"
        self.assert_says(wg4, closed_key.public, no_data, seconds=60)
        self.assert_says(wg4, behind_key.public, no_packets, seconds=60)


class OneKeyForTwo(DiagnosisTestCase):
    def test_one_key_for_two(self) -> None:
        port, theirs = self.next_port(), Identity()
        us = Peer(self.ours.public, ["10.9.0.1/32"])
        them = Peer(theirs.public, ["10.9.0.2/32"], f"{World.FAR}:{port}")
        peer = self.peer_at(port, theirs, us)
        with contextlib.ExitStack() as stack:
            config = Config(self.ours.private, ["10.9.0.1/24"], [them])
            both = []
            for _ in range(2):
                target = self.namespace(self.world.host)
                wg4 = Wg4(
                    self.scratch,
                    target,
                    config,
                    where=self.world.host,
                    options=["--allow-shared-key"],
                )
                both.append(stack.enter_context(wg4))
            for wg4 in both:
                self.keep_pinging(wg4, "10.9.0.2")
            shared = "handshakes with its key come from .* in turn: two devices seem to share it"
            self.assert_says(peer, self.ours.public, shared, seconds=100)
            elsewhere = "handshakes work, and then the peer sends packets of a session that is not ours"
            found = wait_until(lambda: any(self.said(wg4, theirs.public) for wg4 in both), 60, 0.1)
            self.assertTrue(found)
            for wg4 in both:
                for line in self.said(wg4, theirs.public):
                    self.assertRegex(line, "^" + elsewhere)


if __name__ == "__main__":
    harness.main()
