"""Both ends move, restart and lose addresses under a session with Debian's wireguard-go."""

import harness_path  # noqa: F401  (finds the modules below)
import harness
from fixtures import OURS, THEIRS, tunnel_in_world
from namespaces import World
from probes import all_pings_within, first_ping_within, ping
from wireguard import Config, Peer, WireguardGo, loses_what_follows_ipv4


class Roaming(harness.TestCase):
    def test_peer_moves_to_a_new_port(self) -> None:
        tunnel = tunnel_in_world(self, they_dial=True)
        self.assert_pings(tunnel.container, THEIRS)
        tunnel.go.set("listen-port", "5099")
        self.assert_pings(tunnel.world.far, OURS)
        self.assert_pings(tunnel.container, THEIRS)

    def test_peer_moves_to_a_new_address(self) -> None:
        tunnel = tunnel_in_world(self, they_dial=True)
        self.assert_pings(tunnel.container, THEIRS)
        tunnel.world.far.ip(f"address del {World.FAR}/24 dev cable")
        tunnel.world.far.ip("address add 192.0.2.77/24 dev cable")
        tunnel.go.set(
            "listen-port", "5099"
        )  # it keeps sending from its old address until it opens a new socket
        self.assert_pings(tunnel.world.far, OURS)
        self.assert_pings(tunnel.container, THEIRS)

    def test_peer_moves_between_v4_and_v6(self) -> None:
        tunnel = tunnel_in_world(self, they_dial=True)
        self.assert_pings(tunnel.container, THEIRS)
        for endpoint in (f"[{World.HOST6}]:5001", f"{World.HOST}:5001"):
            tunnel.go.set("peer", tunnel.ours.public, "endpoint", endpoint)
            for ns, address in ((tunnel.world.far, OURS), (tunnel.container, THEIRS)):
                if loses_what_follows_ipv4():
                    all_pings_within(ns, address, 30)  # one of any of its buffers, whenever it takes that
                else:
                    self.assert_pings(ns, address)
            self.assertEqual(
                tunnel.endpoint_at_go(), endpoint, "we answer on the family that the peer uses"
            )

    def test_we_move_to_a_new_address(self) -> None:
        """Our source address vanishes: the next packet takes another one, and the peer follows."""
        tunnel = tunnel_in_world(self)
        self.assert_pings(tunnel.container, THEIRS)
        tunnel.world.host.ip("address add 192.0.2.88/24 dev cable")
        tunnel.world.host.run(
            "sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/promote_secondaries"
        )
        tunnel.world.host.ip(f"address del {World.HOST}/24 dev cable")
        first_ping_within(tunnel.container, THEIRS, 3)
        self.assert_pings(tunnel.container, THEIRS)
        self.assertEqual(tunnel.endpoint_at_go(), "192.0.2.88:5001")

    def test_we_move_to_a_new_port(self) -> None:
        tunnel = tunnel_in_world(self)
        self.assert_pings(tunnel.container, THEIRS)
        tunnel.wg4.stop()
        moved = Config(
            tunnel.ours.private,
            [f"{OURS}/24"],
            [Peer(tunnel.theirs.public, [f"{THEIRS}/32"], f"{World.FAR}:5002")],
            port=5055,
        )
        self.wg4(tunnel.container, moved, where=tunnel.world.host)
        self.assert_pings(tunnel.container, THEIRS)
        self.assertEqual(tunnel.endpoint_at_go(), f"{World.HOST}:5055")

    def test_answers_come_from_the_address_that_was_asked(self) -> None:
        """Sticky source: the default source address would be the first one."""
        for first, second, bits in (
            (World.HOST, "192.0.2.11", 24),
            (World.HOST6, "2001:db8::11", 64),
        ):
            with self.subTest(address=second):
                tunnel = tunnel_in_world(self, we_dial=False, they_dial=True)
                tunnel.world.host.ip(
                    f"address add {second}/{bits} dev cable" + (" nodad" if ":" in second else "")
                )
                asked = f"[{second}]:5001" if ":" in second else f"{second}:5001"
                tunnel.go.set("peer", tunnel.ours.public, "endpoint", asked)
                self.assert_pings(tunnel.world.far, OURS)
                self.assert_pings(tunnel.container, THEIRS)
                self.assertEqual(tunnel.endpoint_at_go(), asked)
                tunnel.world.host.ip(f"address del {second}/{bits} dev cable")
                first_ping_within(tunnel.container, THEIRS, 3)
                self.assertNotEqual(tunnel.endpoint_at_go(), asked)

    def test_path_mtu_drops(self) -> None:
        """The cable gets narrower than the tunnel's packets: outer fragments, no loss."""
        tunnel = tunnel_in_world(self)
        self.assert_pings(tunnel.container, THEIRS)
        tunnel.world.host.ip("link set cable mtu 1280")
        tunnel.world.far.ip("link set cable mtu 1280")
        result = ping(tunnel.container, THEIRS, 5, size=1392)
        self.assertEqual(result.received, 5, result.text)

    def test_restart_of_the_peer(self) -> None:
        """It dials: at once. It waits for us: after the 15 s when silence means a lost session."""
        tunnel = tunnel_in_world(self, they_dial=True)
        self.assert_pings(tunnel.container, THEIRS)
        tunnel.go.kill()
        again = self.wireguard_go(tunnel.world.far, tunnel.go.config)
        print(f"the peer dials: back after {first_ping_within(tunnel.world.far, OURS, 6):.2f} s")
        again.kill()
        tunnel.go.config.peers[0].endpoint = None
        self.enterContext(WireguardGo(self.scratch, tunnel.world.far, tunnel.go.config))
        print(f"we dial: back after {first_ping_within(tunnel.container, THEIRS, 25):.2f} s")

    def test_restart_of_ours(self) -> None:
        tunnel = tunnel_in_world(self)
        self.assert_pings(tunnel.container, THEIRS)
        tunnel.wg4.stop()
        tunnel.wg4.__enter__()
        print(f"back after {first_ping_within(tunnel.container, THEIRS, 6):.2f} s")


if __name__ == "__main__":
    harness.main()
