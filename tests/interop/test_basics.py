"""Our program against Debian's wireguard-go: begun by either, over v4 and v6, in and out."""

import harness_path  # noqa: F401  (finds the modules below)
import harness
from fixtures import OURS, OURS6, THEIRS, THEIRS6, LoopbackPeer, tunnel_in_world
from probes import ping, transfer
from wireguard import Identity, wg


class AsPlainUser(harness.TestCase):
    """In the initial network, without any capability."""

    def test_we_initiate(self) -> None:
        peer = LoopbackPeer(self)
        target = self.namespace()
        self.wg4(target, peer.config)
        self.assert_pings(target, THEIRS, THEIRS6)
        self.assert_pings(peer.ns, OURS, OURS6)

    def test_they_initiate(self) -> None:
        peer = LoopbackPeer(self, initiates=True)
        target = self.namespace()
        self.wg4(target, peer.config)
        self.assert_pings(peer.ns, OURS, OURS6)
        self.assert_pings(target, THEIRS, THEIRS6)

    def test_preshared_key(self) -> None:
        for initiates in (False, True):
            with self.subTest(they_initiate=initiates):
                peer = LoopbackPeer(self, psk=True, initiates=initiates)
                target = self.namespace()
                self.wg4(target, peer.config)
                first, address = (peer.ns, OURS) if initiates else (target, THEIRS)
                self.assert_pings(first, address)

    def test_100_megabytes_both_ways(self) -> None:
        peer = LoopbackPeer(self)
        target = self.namespace()
        self.wg4(target, peer.config)
        sent = transfer(target, peer.ns, THEIRS, 100)
        got = transfer(peer.ns, target, OURS6, 100)
        self.assertEqual((sent["peer"], got["peer"]), (OURS, THEIRS6), "inner source addresses")
        print(f"100 MiB sent in {sent['seconds']:.2f} s, received in {got['seconds']:.2f} s")

    def test_wrong_key_never_makes_a_session(self) -> None:
        peer = LoopbackPeer(self)
        peer.config.peers[0].public = Identity().public
        target = self.namespace()
        self.wg4(target, peer.config)
        self.assert_no_ping(target, THEIRS)
        self.assertFalse(peer.handshake_seen())

    def test_unknown_initiator_never_makes_a_session(self) -> None:
        peer = LoopbackPeer(self, initiates=True)
        peer.config.peers[0].public = Identity().public
        target = self.namespace()
        self.wg4(target, peer.config)
        self.assert_no_ping(peer.ns, OURS)
        self.assertFalse(peer.handshake_seen())

    def test_wrong_preshared_key_never_makes_a_session(self) -> None:
        """The key enters with message 2, so message 1 is answered: look for a session."""
        for initiates in (False, True):
            with self.subTest(they_initiate=initiates):
                peer = LoopbackPeer(self, psk=True, initiates=initiates)
                peer.config.peers[0].psk = wg("genpsk")
                target = self.namespace()
                self.wg4(target, peer.config)
                first, address = (peer.ns, OURS) if initiates else (target, THEIRS)
                self.assert_no_ping(first, address)
                self.assert_no_ping(target, THEIRS)


class InWorld(harness.TestCase):
    """As uid 0 of a user namespace that plays the host, the way podman starts its helpers."""

    def test_over_v4(self) -> None:
        self.check(over_v6=False)

    def test_over_v6(self) -> None:
        self.check(over_v6=True)

    def check(self, over_v6: bool) -> None:
        tunnel = tunnel_in_world(self, over_v6=over_v6, they_dial=True)
        self.assert_pings(tunnel.container, THEIRS, THEIRS6)
        self.assert_pings(tunnel.world.far, OURS, OURS6)
        sent = transfer(tunnel.container, tunnel.world.far, THEIRS6, 100)
        got = transfer(tunnel.world.far, tunnel.container, OURS, 100)
        print(f"100 MiB sent in {sent['seconds']:.2f} s, received in {got['seconds']:.2f} s")

    def test_mtu_edge(self) -> None:
        tunnel = tunnel_in_world(self)
        for address, headers in ((THEIRS, 28), (THEIRS6, 48)):
            fits = ping(tunnel.container, address, 3, whole=True, size=1420 - headers)
            self.assertEqual(fits.received, 3, fits.text)
            too_big = ping(tunnel.container, address, 1, whole=True, size=1421 - headers)
            self.assertEqual(too_big.received, 0, too_big.text)
            self.assertIn("message too long", too_big.text.lower())
            fragments = ping(tunnel.container, address, 3, size=4000)
            self.assertEqual(fragments.received, 3, fragments.text)


if __name__ == "__main__":
    harness.main()
