"""wireguard-go's place: `wireguard4netns IFNAME`, configured by stock wg, ip and wg-quick.

Every behaviour that wireguard-go's own tests/netns.sh looks at has a test here.
"""

from __future__ import annotations

import re
import subprocess

import harness
from fixtures import OURS, OURS6, THEIRS, THEIRS6
from namespaces import Namespace, World
from probes import all_pings_within, ping, transfer
from processes import PATIENCE_S, descendants, wait_until
from program import bindir, program_environment
from wireguard import Identity, WireguardGo, end_to_end, loses_what_follows_ipv4, wg

IFNAME = "wg1"
SOCKET = f"/run/wireguard/{IFNAME}.sock"


def programs() -> list[int]:
    ours = [entry for entry in descendants() if entry.name == "wireguard4netns"]
    return [entry.pid for entry in ours if entry.state != "Z"]


class InterfaceCase(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = self.enterContext(World())
        self.host = self.world.host
        self.addCleanup(self.assert_ended)

    def start(self, *options: str, ifname: str = IFNAME, check: bool = True):
        """Returns when the program does."""
        command = self.host.command(str(bindir() / "wireguard4netns"), *options, ifname)
        done = subprocess.run(
            command,
            env=program_environment(self.scratch),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def wg(self, *arguments: str, text: str | None = None) -> str:
        done = subprocess.run(
            self.host.command("wg", *arguments),
            input=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def delete(self, owner: Namespace | None = None) -> None:
        (owner or self.host).ip(f"link del {IFNAME}")
        self.assert_ended()

    def assert_ended(self) -> None:
        """The process is gone, and so is its socket."""
        if self.host.pid and IFNAME in self.host.links():
            self.host.ip(f"link del {IFNAME}")
        self.assertTrue(wait_until(lambda: not programs(), 5), "the program goes on")
        self.assertEqual(self.host.run("ls", "/run/wireguard", check=False).stdout, "")


class LifeOfAnInterface(InterfaceCase):
    def test_returns_when_wg_can_be_used(self) -> None:
        self.start()
        self.assertRegex(self.wg("show", IFNAME), r"listening port: \d+")
        link = self.host.ip(f"link show {IFNAME}")
        self.assertIn("mtu 1420", link)
        self.assertIn("state DOWN", link)
        self.assertEqual(self.host.ip(f"address show {IFNAME} scope link").count("inet6"), 0)

    def test_ends_with_its_interface(self) -> None:
        self.start()
        self.delete()

    def test_ends_with_its_socket(self) -> None:
        """As `wg-quick down` has it."""
        self.start()
        self.host.run("rm", SOCKET)
        self.assertTrue(wait_until(lambda: IFNAME not in self.host.links(), 5))
        self.assert_ended()

    def test_stays_in_the_foreground_if_told(self) -> None:
        for options, more in ((("-f",), {}), ((), {"WG_PROCESS_FOREGROUND": "1"})):
            with self.subTest(options=options):
                command = self.host.command(str(bindir() / "wireguard4netns"), *options, IFNAME)
                with subprocess.Popen(
                    command,
                    env=program_environment(self.scratch, **more),
                    stderr=subprocess.PIPE,
                    text=True,
                ) as process:
                    shown = wait_until(
                        lambda: self.host.run("wg", "show", IFNAME, check=False).returncode == 0, 5
                    )
                    self.assertTrue(shown)
                    self.assertIsNone(process.poll())
                    self.host.ip(f"link del {IFNAME}")
                    self.assertEqual(process.wait(PATIENCE_S), 0)

    def test_a_second_one_of_the_name_is_refused(self) -> None:
        self.start()
        done = self.start(check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(IFNAME, done.stderr)
        self.wg("show", IFNAME)

    def test_a_user_of_the_host_is_told_what_is_missing(self) -> None:
        """Without rights in this namespace."""
        done = subprocess.run(
            [str(bindir() / "wireguard4netns"), IFNAME],
            env=program_environment(self.scratch),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("unshare -Urn makes one", done.stderr)


class Tunnel(InterfaceCase):
    """Our interface in the host of a World, wireguard-go far away."""

    def setUp(self) -> None:
        super().setUp()
        self.ours, self.theirs, self.psk = Identity(), Identity(), wg("genpsk")
        self.go_config = end_to_end(self.theirs, self.ours, 2, psk=self.psk)
        self.go_config.port = 5002
        self.go: WireguardGo = self.wireguard_go(self.world.far, self.go_config)

    def configure(self, where: Namespace) -> None:
        config = end_to_end(self.ours, self.theirs, 1, psk=self.psk, endpoint=f"{World.FAR}:5002")
        config.port = 5001
        self.wg("setconf", IFNAME, "/dev/stdin", text=config.for_wg())
        for address in config.addresses:
            where.ip(f"address add {address} dev {IFNAME}" + (" nodad" if ":" in address else ""))
        where.ip(f"link set {IFNAME} up")

    def tunnel(self) -> Namespace:
        """The interface, up in a namespace of its own."""
        container = self.namespace(self.host, own_user=False)
        self.start()
        self.host.ip(f"link set {IFNAME} netns {container.pid}")
        self.configure(container)
        self.assert_pings(container, THEIRS, THEIRS6)
        self.addCleanup(lambda: self.delete(container))
        return container

    def endpoint_at_go(self) -> str:
        return self.go.peer("endpoints", self.ours.public)

    def set_peer(self, *arguments: str) -> None:
        self.wg("set", IFNAME, "peer", self.theirs.public, *arguments)

    def test_interface_moves_to_another_namespace(self) -> None:
        container = self.tunnel()
        transfer(container, self.world.far, THEIRS, 8)
        transfer(self.world.far, container, OURS6, 8)
        shown = self.wg("show", IFNAME, "transfer").split()
        self.assertEqual(shown[0], self.theirs.public)
        self.assertGreater(int(shown[1]), 8 << 20)

    def test_mtu_changes(self) -> None:
        container = self.tunnel()
        for mtu in (34736, 1420):
            container.ip(f"link set {IFNAME} mtu {mtu}")
            self.world.far.ip(f"link set wg0 mtu {mtu}")
            result = ping(container, THEIRS, 3, whole=True, size=mtu - 28)
            self.assertEqual(result.received, 3, result.text)
            transfer(container, self.world.far, THEIRS, 8)

    def test_we_roam(self) -> None:
        container = self.tunnel()
        self.wg("set", IFNAME, "listen-port", "5099")
        self.set_peer("endpoint", f"{World.FAR}:5002")
        self.assert_pings(container, THEIRS)
        self.assertEqual(self.endpoint_at_go(), f"{World.HOST}:5099")
        self.set_peer("endpoint", f"[{World.FAR6}]:5002")
        if loses_what_follows_ipv4():
            all_pings_within(container, THEIRS, 30)
        else:
            self.assert_pings(container, THEIRS)
        self.assertEqual(self.endpoint_at_go(), f"[{World.HOST6}]:5099")

    def test_source_address_is_sticky_but_not_too_sticky(self) -> None:
        container = self.tunnel()
        self.host.ip("address add 192.0.2.88/24 dev cable")
        self.host.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/cable/promote_secondaries")
        self.host.ip(f"address del {World.HOST}/24 dev cable")
        self.assertTrue(wait_until(lambda: ping(container, THEIRS, 1, wait=1).received, 3))
        self.assertEqual(self.endpoint_at_go(), "192.0.2.88:5001")

    def test_reply_to_sender(self) -> None:
        container = self.tunnel()
        self.host.ip("address add 192.0.2.11/24 dev cable")
        for asked in ("192.0.2.11:5001", f"{World.HOST}:5001"):
            self.go.set("peer", self.ours.public, "endpoint", asked)
            self.assert_pings(self.world.far, OURS)
            self.assert_pings(container, THEIRS)
            self.assertEqual(self.endpoint_at_go(), asked)

    def test_cryptokey_routing(self) -> None:
        container = self.tunnel()
        self.set_peer("allowed-ips", "10.77.0.0/24")
        self.assert_pings(self.world.far, OURS)
        more_specific = Identity().public
        self.wg("set", IFNAME, "peer", more_specific, "allowed-ips", f"{THEIRS}/32")
        self.assert_no_ping(self.world.far, OURS)
        self.wg("set", IFNAME, "peer", more_specific, "remove")
        self.set_peer("allowed-ips", "10.77.0.0/24")
        self.assert_pings(self.world.far, OURS)
        self.assert_pings(container, THEIRS)

    def test_firewall_mark(self) -> None:
        """Its own rights are kept for that: the mark of packets, and ports below 1024."""
        container = self.tunnel()
        self.wg("set", IFNAME, "fwmark", "0x1234", "listen-port", "51")
        self.assert_pings(container, THEIRS)
        self.assertEqual(self.wg("show", IFNAME, "fwmark"), "0x1234")
        self.assertEqual(self.endpoint_at_go(), f"{World.HOST}:51")
        self.host.ip("rule add fwmark 0x1234 prohibit")
        self.assertEqual(ping(container, THEIRS, 1, wait=1).received, 0)

    def test_wg_quick(self) -> None:
        config = end_to_end(self.ours, self.theirs, 1, psk=self.psk, endpoint=f"{World.FAR}:5002")
        config.port = 5001
        file = self.scratch.folder / f"{IFNAME}.conf"
        file.write_text(config.for_wg_quick())
        file.chmod(0o600)
        self.addCleanup(file.unlink)
        environment = program_environment(
            self.scratch, WG_QUICK_USERSPACE_IMPLEMENTATION=str(bindir() / "wireguard4netns")
        )
        for verb in ("up", "down"):
            done = subprocess.run(
                self.host.command("wg-quick", verb, str(file)),
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            if verb == "up":
                self.assert_pings(self.host, THEIRS, THEIRS6)
        self.assert_ended()


class ManyAllowedIps(InterfaceCase):
    def test_130_000_in_one_set(self) -> None:
        self.start()
        lines = [f"[Interface]\nPrivateKey = {Identity().private}"]
        lines += [f"[Peer]\nPublicKey = {Identity().public}"]
        lines += [
            f"AllowedIPs = {a}.{b}.0.0/16, {a:x}::{b:x}/128" for a in range(1, 256) for b in range(256)
        ]
        self.wg("setconf", IFNAME, "/dev/stdin", text="\n".join(lines) + "\n")
        words = self.wg("show", IFNAME, "allowed-ips").split()
        self.assertEqual(len(words), 255 * 256 * 2 + 1)

    def test_peers_whose_answer_does_not_fit_a_packet(self) -> None:
        self.start()
        lines = [f"[Interface]\nPrivateKey = {Identity().private}"]
        for a in range(1, 41):
            prefixes = ", ".join(f"{a}.{b}.0.0/16" for b in range(1, 53))
            lines += [f"[Peer]\nPublicKey = {Identity().public}\nAllowedIPs = {prefixes}"]
        self.wg("setconf", IFNAME, "/dev/stdin", text="\n".join(lines) + "\n")
        rows = self.wg("show", IFNAME, "allowed-ips").splitlines()
        self.assertEqual([len(row.split()) for row in rows], [53] * 40)

    def test_many_peers_without_allowed_ips(self) -> None:
        self.start()
        text = "".join(f"[Peer]\nPublicKey = {Identity().public}\n" for _ in range(29))
        text += f"[Peer]\nPublicKey = {Identity().public}\nAllowedIPs = 255.2.3.4/32, abcd::255/128\n"
        self.wg("setconf", IFNAME, "/dev/stdin", text=text)
        self.assertEqual(len(re.findall(r"^\[Peer\]$", self.wg("showconf", IFNAME), re.MULTILINE)), 30)


if __name__ == "__main__":
    harness.main()
