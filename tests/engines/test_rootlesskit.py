"""RootlessKit, the engine below rootless Docker, Kubernetes and BuildKit."""

import json

import harness_path  # noqa: F401  isort: skip

import harness
from beyond import Beyond
from engine_case import EngineCase, fetch, free_tcp_port
from fixtures import THEIRS, THEIRS6
from namespaces import HERE, PYTHON
from processes import background, read_line
from rootlesskit import RootlessKit

TRAFFIC = HERE / "traffic.py"


class Kit(EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.beyond = Beyond(self)

    def kit(self, *options: str) -> RootlessKit:
        return self.enterContext(RootlessKit(self.scratch, self.beyond.configs[0], *options))

    def test_traffic_names_and_a_published_port(self) -> None:
        port = free_tcp_port()
        kit = self.kit("--port-driver=builtin", "--publish", f"127.0.0.1:{port}:8080/tcp")
        self.assertIn("nameserver 10.0.2.3", kit.inside("cat", "/etc/resolv.conf"))
        self.assert_tunnelled(self.beyond, kit.inside)
        self.assert_published(port)

    def check_sandbox_and_api_socket(self, wanted: str) -> None:
        port = free_tcp_port()
        flags = (f"--slirp4netns-{part}={wanted}" for part in ("sandbox", "seccomp"))
        publish = ("--port-driver=slirp4netns", f"--publish=127.0.0.1:{port}:8080/tcp")
        kit = self.kit(*flags, *publish)
        arguments = self.our_arguments()
        for option in ("--enable-sandbox", "--enable-seccomp", "--api-socket"):
            self.assertIn(option, arguments)
        self.assert_tunnelled(self.beyond, kit.inside)
        self.assert_published(port)
        self.assert_all_confined()

    def test_api_socket_and_the_sandbox_that_we_offer(self) -> None:
        self.check_sandbox_and_api_socket("auto")

    def test_api_socket_and_the_sandbox_that_is_demanded(self) -> None:
        self.check_sandbox_and_api_socket("true")

    def test_its_settings_stand_beside_ours(self) -> None:
        """It sets MTU 65520, N+100/24 and a default route on the TUN, which it takes for its TAP."""
        kit = self.kit()
        addresses = kit.inside("ip", "address", "show", "tap0")
        self.assertIn("mtu 65520", addresses)
        self.assertIn("10.0.2.100/24", addresses)
        self.assertIn("default via 10.0.2.2", kit.inside("ip", "route"))
        self.assertNotIn("link/ether", addresses)
        self.assert_tunnelled(self.beyond, kit.inside)

    def test_large_packets_of_a_large_mtu(self) -> None:
        """Through our routes, and through one that knows nothing of the tunnel's MTU."""
        kit = self.kit()
        for address in (THEIRS, THEIRS6):
            pinged = kit.inside("ping", "-c", "3", "-i", "0.2", "-s", "8000", address)
            self.assertIn("3 packets received", pinged)
        kit.inside("ip", "route", "add", f"{THEIRS}/32", "dev", "tap0", "src", self.own)
        pinged = kit.inside("ping", "-c", "4", "-i", "0.2", "-s", "8000", THEIRS)
        self.assertRegex(pinged, "[34] packets received")  # the first one taught the size
        self.assert_tunnelled(self.beyond, kit.inside)

    def test_tcp_finds_its_segment_size(self) -> None:
        """Super-packets whose segments are too large for the tunnel are answered, and cut again."""
        kit = self.kit()
        kit.inside("ip", "route", "add", f"{THEIRS}/32", "dev", "tap0", "src", self.own)
        with self.beyond.ns.tool("sink", THEIRS, "7000") as sink:
            read_line(sink)
            source = [PYTHON, str(TRAFFIC), "source", THEIRS, "7000", "8"]
            with background(kit.command(*source)) as sender:
                sent = json.loads(read_line(sender, 30))
            got = json.loads(read_line(sink, 30))
        self.assertEqual(got["sha256"], sent["sha256"])
        self.assertEqual(got["peer"], self.own)

    @property
    def own(self) -> str:
        return self.beyond.addresses[0]

    def test_cidr_mtu_and_ipv6(self) -> None:
        kit = self.kit("--cidr=10.7.0.0/24", "--mtu=1400", "--ipv6")
        self.assertIn("nameserver 10.7.0.3", kit.inside("cat", "/etc/resolv.conf"))
        self.assertIn("mtu 1400", kit.inside("ip", "link", "show", "tap0"))
        self.assert_tunnelled(self.beyond, kit.inside)

    def test_killed_without_survivors(self) -> None:
        kit = self.kit("--port-driver=builtin")
        self.assert_tunnelled(self.beyond, kit.inside)
        kit.kill()
        self.assert_all_ended()

    def test_kill_of_our_program_cuts_the_network(self) -> None:
        kit = self.kit()
        self.assert_tunnelled(self.beyond, kit.inside)
        self.kill_ours()
        cut = kit.run("wget", "-T", "2", "-q", "-O-", f"http://{THEIRS}/", check=False)
        self.assertNotEqual(cut.returncode, 0)

    def test_two_side_by_side(self) -> None:
        ports = [free_tcp_port(), free_tcp_port()]
        beyond = Beyond(self, 2)
        for client, port in enumerate(ports):
            publish = ("--publish", f"127.0.0.1:{port}:8080/tcp")
            options = ("--port-driver=builtin", *publish)
            scratch = harness.Scratch()
            self.addCleanup(scratch.remove)
            kit = self.enterContext(RootlessKit(scratch, beyond.configs[client], *options))
            self.assert_tunnelled(beyond, kit.inside, client)
        for port in ports:
            self.assert_published(port)
        self.assertEqual(fetch(ports[0]), "inside")


if __name__ == "__main__":
    harness.main()
