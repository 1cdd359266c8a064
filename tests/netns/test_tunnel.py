"""Our program at both ends, as a plain user over loopback."""

import harness
from fixtures import OURS, OURS6, THEIRS, THEIRS6, pair_on_loopback
from probes import first_ping_within, ping, transfer
from wireguard import wg


class Tunnel(harness.TestCase):
    def test_v4_loopback(self) -> None:
        self.check_basics("127.0.0.1")

    def test_v6_loopback(self) -> None:
        self.check_basics("[::1]")

    def check_basics(self, loopback: str) -> None:
        pair = pair_on_loopback(self, loopback)
        self.wg4(pair.other, pair.other_config)
        self.wg4(pair.one, pair.config)
        self.assert_pings(pair.one, THEIRS, THEIRS6)
        self.assert_pings(pair.other, OURS, OURS6)
        there = transfer(pair.one, pair.other, THEIRS, 100)
        back = transfer(pair.other, pair.one, OURS6, 100)
        self.assertEqual((there["peer"], back["peer"]), (OURS, THEIRS6), "inner source addresses")
        print(f"100 MiB there in {there['seconds']:.2f} s, back in {back['seconds']:.2f} s")

    def test_preshared_key(self) -> None:
        pair = pair_on_loopback(self, psk=True)
        self.wg4(pair.other, pair.other_config)
        self.wg4(pair.one, pair.config)
        self.assert_pings(pair.one, THEIRS)

    def test_wrong_preshared_key(self) -> None:
        pair = pair_on_loopback(self, psk=True)
        pair.config.peers[0].psk = wg("genpsk")
        self.wg4(pair.other, pair.other_config)
        self.wg4(pair.one, pair.config)
        self.assert_no_ping(pair.one, THEIRS)
        self.assert_no_ping(pair.other, OURS)

    def test_mtu_edge(self) -> None:
        pair = pair_on_loopback(self)
        pair.config.mtu = pair.other_config.mtu = 1380
        self.wg4(pair.other, pair.other_config)
        self.wg4(pair.one, pair.config)
        for address, headers in ((THEIRS, 28), (THEIRS6, 48)):
            fits = ping(pair.one, address, 3, whole=True, size=1380 - headers)
            self.assertEqual(fits.received, 3, fits.text)
            too_big = ping(pair.one, address, 1, whole=True, size=1381 - headers)
            self.assertEqual(too_big.received, 0, too_big.text)
            self.assertIn("message too long", too_big.text.lower())

    def test_mtu_option_wins(self) -> None:
        pair = pair_on_loopback(self)
        self.wg4(pair.one, pair.config, options=["--mtu=1300"])
        self.assertIn("mtu 1300", pair.one.ip("link show wg0"))

    def test_restart_of_either_end(self) -> None:
        """The initiating side is back at once, from a new port; the other within the protocol's timeouts."""
        pair = pair_on_loopback(self)
        responder = self.wg4(pair.other, pair.other_config)
        initiator = self.wg4(pair.one, pair.config)
        self.assert_pings(pair.one, THEIRS)
        initiator.stop()
        self.wg4(pair.one, pair.config)
        print(f"initiator back after {first_ping_within(pair.one, THEIRS, 6):.2f} s")
        self.assert_pings(pair.other, OURS)
        responder.stop()
        self.wg4(pair.other, pair.other_config)
        print(f"responder back after {first_ping_within(pair.one, THEIRS, 25):.2f} s")
        self.assert_pings(pair.other, OURS)


if __name__ == "__main__":
    harness.main()
