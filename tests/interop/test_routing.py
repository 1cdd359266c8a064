"""Cryptokey routing to two peers with nested AllowedIPs: neither can use the addresses of the other."""

import json

import harness_path  # noqa: F401  (finds the modules below)
import harness
from namespaces import HERE, PYTHON, Namespace, World, cable
from processes import read_line, says_nothing
from wireguard import Config, Identity, Peer


class NestedAllowedIps(harness.TestCase):
    """`wide` owns 10.20.0.0/16 except `narrow`'s 10.20.5.0/24; the same with fd20::/32."""

    def setUp(self) -> None:
        super().setUp()
        world = self.enterContext(World())
        second_far = self.enterContext(Namespace(world.host, own_user=False, mount=True))
        cable(world.host, second_far, "cable2", ["198.51.100.1/24"], ["198.51.100.2/24"])
        self.container = self.namespace(world.host)
        us, wide, narrow = Identity(), Identity(), Identity()
        self.wide, self.narrow = world.far, second_far
        mine = ["10.20.255.1/32", "fd20:0:ff::1/128"]
        for ns, identity, addresses, host in (
            (
                world.far,
                wide,
                ["10.20.1.1/32", "10.20.5.1/32", "fd20:0:1::1/128", "fd20:0:5::1/128"],
                World.HOST,
            ),
            (
                second_far,
                narrow,
                ["10.20.5.1/32", "10.20.1.1/32", "fd20:0:5::1/128", "fd20:0:1::1/128"],
                "198.51.100.1",
            ),
        ):
            go = self.wireguard_go(
                ns,
                Config(
                    identity.private, addresses, [Peer(us.public, mine, f"{host}:5001")], port=5002
                ),
            )
            go.set("peer", us.public, "persistent-keepalive", "0")
        self.wg4(
            self.container,
            where=world.host,
            config=Config(
                us.private,
                mine,
                [
                    Peer(wide.public, ["10.20.0.0/16", "fd20::/32"], f"{World.FAR}:5002"),
                    Peer(narrow.public, ["10.20.5.0/24", "fd20:0:5::/48"], "198.51.100.2:5002"),
                ],
                port=5001,
            ),
        )

    def listener(self, ns: Namespace, address: str):
        tool = self.enterContext(ns.tool("listen", address, "7001"))
        read_line(tool)
        return tool

    def send(self, ns: Namespace, source: str, address: str, text: str) -> None:
        ns.run(PYTHON, str(HERE / "traffic.py"), "datagram", source, address, "7001", text)

    def test_longest_prefix_gets_it(self) -> None:
        """Both peers have both addresses, so only the routing decides which one gets a packet."""
        for address in ("10.20.1.1", "10.20.5.1", "fd20:0:1::1", "fd20:0:5::1"):
            with self.subTest(address=address):
                right, wrong = (
                    (self.narrow, self.wide)
                    if ":5::" in address or ".5." in address
                    else (self.wide, self.narrow)
                )
                with right.tool("listen", address, "7001") as heard, wrong.tool(
                    "listen", address, "7001"
                ) as not_heard:
                    read_line(heard)
                    read_line(not_heard)
                    source = "fd20:0:ff::1" if ":" in address else "10.20.255.1"
                    self.send(self.container, source, address, "hello")
                    self.assertEqual(json.loads(read_line(heard))["text"], "hello")
                    self.assertTrue(says_nothing(not_heard, 0.3))

    def test_no_peer_can_use_the_addresses_of_the_other(self) -> None:
        """A source that is the other peer's is dropped, though each may send from its own."""
        cases = (
            ("10.20.255.1", "10.20.1.1", "10.20.5.1"),
            ("fd20:0:ff::1", "fd20:0:1::1", "fd20:0:5::1"),
        )
        for ours, of_wide, of_narrow in cases:
            for sender, own, foreign in (
                (self.wide, of_wide, of_narrow),
                (self.narrow, of_narrow, of_wide),
            ):
                with self.subTest(own=own), self.container.tool(
                    "listen", ours, "7001"
                ) as listener:
                    read_line(listener)
                    self.send(sender, own, ours, "first")  # the session is there
                    self.assertEqual(
                        json.loads(read_line(listener)), {"source": own, "text": "first"}
                    )
                    self.send(sender, foreign, ours, "posing")
                    self.send(sender, own, ours, "last")
                    self.assertEqual(
                        json.loads(read_line(listener)), {"source": own, "text": "last"}
                    )


if __name__ == "__main__":
    harness.main()
