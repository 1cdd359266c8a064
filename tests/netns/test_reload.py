"""A changed configuration that a tunnel takes over while it runs: by command, and by SIGHUP."""

import base64
import getpass
import json
import os
import signal
import subprocess
from pathlib import Path

import harness
from control_case import ControlCase, FakeTunnel
from fixtures import THEIRS, THEIRS6, LoopbackPeer
from processes import PATIENCE_S, wait_until
from program import bindir, program_environment
from wireguard import Identity


class Reload(ControlCase):
    def setUp(self) -> None:
        super().setUp()
        self.ours = self.start()
        self.new = Identity()

    def change_file(self) -> None:
        """One peer more, written as editors do: another file by the same name."""
        text = self.pair.config.for_wg_quick()
        text += f"[Peer]\nPublicKey = {self.new.public}\nAllowedIPs = 10.9.0.0/16\n"
        replacement = self.scratch.file("new.conf", text)
        replacement.rename(self.ours.config_path)

    def has_new_peer(self) -> bool:
        return self.new.public in self.wg("show", "ours", "peers")

    def reload(self) -> None:
        done = self.run_program("reload", "ours")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_by_command(self) -> None:
        self.change_file()
        port = self.wg("show", "ours", "listen-port")
        self.assert_session_kept(self.reload)
        self.assertTrue(self.has_new_peer())
        self.assertEqual(self.wg("show", "ours", "listen-port"), port)
        self.assertIn("nothing has changed", self.run_program("reload", "ours").stderr)

    def test_by_signal(self) -> None:
        self.change_file()

        def hang_up() -> None:
            self.ours.process.send_signal(signal.SIGHUP)
            self.assertTrue(wait_until(self.has_new_peer, 10, pause=0.2))

        self.assert_session_kept(hang_up)
        self.assertIn("ours: taken over from", self.ours.log.read_text())

    def test_by_signal_with_a_file_that_is_bad(self) -> None:
        self.ours.config_path.write_text("[Interface]\nNonsense = 1\n")

        def hang_up() -> None:
            self.ours.process.send_signal(signal.SIGHUP)
            self.assertTrue(wait_until(lambda: "Nonsense" in self.ours.log.read_text(), 10))

        self.assert_session_kept(hang_up)


class ReloadNames(harness.TestCase):
    """How commands in a tunnel resolve names, after the configuration has changed."""

    def setUp(self) -> None:
        super().setUp()
        self.text = LoopbackPeer(self).config.for_wg_quick()
        self.config = self.scratch.file("work.conf")

    def program(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(bindir() / "wireguard4netns"), *words],
            env=program_environment(self.scratch),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    def write(self, dns: str) -> None:
        self.config.write_text(self.text.replace("[Peer]", f"DNS = {dns}\n[Peer]", 1))

    def up(self, *options: str) -> None:
        done = self.program("up", *options, "--name=work", str(self.config))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.addCleanup(self.program, "down", "--force", "work")

    def resolv_conf(self) -> list[str]:
        shown = self.program("exec", "work", "--", "cat", "/etc/resolv.conf")
        return [line for line in shown.stdout.splitlines() if not line.startswith("#")]

    def test_servers_follow(self) -> None:
        self.write(THEIRS)
        self.up()
        self.assertEqual(self.resolv_conf(), [f"nameserver {THEIRS}"])
        argv = [str(bindir() / "wireguard4netns"), "exec", "work", "--", "sh", "-c", "read line; cat /etc/resolv.conf"]
        early = subprocess.Popen(
            argv, env=program_environment(self.scratch), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.assertEqual(self.program("exec", "work", "--", "ping", "-c1", THEIRS).returncode, 0)
        handshake = self.program("show", "work", "latest-handshakes").stdout

        self.write(f"{THEIRS6}, example.org")
        done = self.program("reload", "work")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"taken over from {self.config}: DNS", done.stderr)
        wanted = [f"nameserver {THEIRS6}", "search example.org"]
        self.assertEqual(sorted(self.resolv_conf()), wanted)
        self.assertIn(wanted[0], early.communicate("\n", PATIENCE_S)[0], "a command that ran before")
        self.assertEqual(self.program("show", "work", "latest-handshakes").stdout, handshake)
        self.assertIn("nothing has changed", self.program("reload", "work").stderr)

        self.write("192.0.2.53")
        done = self.program("reload", "work")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no peer's AllowedIPs lead to the DNS server 192.0.2.53", done.stderr)
        self.assertEqual(sorted(self.resolv_conf()), wanted)

    def test_the_command_lines_servers_stay(self) -> None:
        self.write(THEIRS)
        self.up(f"--dns={THEIRS6}")
        self.write(f"{THEIRS}, example.org")
        self.assertEqual(self.program("reload", "work").returncode, 0)
        self.assertEqual(sorted(self.resolv_conf()), [f"nameserver {THEIRS6}", "search example.org"])

    def test_where_etc_belongs_to_root(self) -> None:
        has_ids = any(line.startswith(f"{getpass.getuser()}:") for line in Path("/etc/subuid").read_text().splitlines())
        for option in ("--root", *(["--map-auto"] if has_ids else [])):
            with self.subTest(option):
                self.write(THEIRS)
                self.up(option)
                self.write(THEIRS6)
                self.assertEqual(self.program("reload", "work").returncode, 0)
                self.assertEqual(self.resolv_conf(), [f"nameserver {THEIRS6}"])
                owner = self.program("exec", "work", "--", "stat", "-c%u %a", "/etc/resolv.conf").stdout
                self.assertEqual(owner, "0 644\n")
                self.assertEqual(self.program("down", "work").returncode, 0)
        if not has_ids:
            self.skipTest("this user has no subordinate ids: --map-auto is not tried")


class ReloadLink(ControlCase):
    """The effects of a reload on the interface in the namespace."""

    def setUp(self) -> None:
        super().setUp()
        self.ours = self.start()

    def write(self, old: str, new: str) -> None:
        text = self.ours.config_path.read_text()
        self.assertIn(old, text)
        self.ours.config_path.write_text(text.replace(old, new))

    def reload(self, status: int = 0) -> str:
        done = self.run_program("reload", "ours")
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        return done.stderr

    def routes(self, what: str = "") -> str:
        shown = self.pair.one.ip(f"route show {what}")
        return shown + self.pair.one.ip(f"-6 route show {what}")

    def details(self) -> dict[str, str]:
        shown = self.run_program("show", "ours", "--json").stdout
        return json.loads(shown)["ours"]["details"]

    def test_routes_come_and_go_with_allowed_ips(self) -> None:
        self.pair.one.ip("route add 10.8.0.0/16 dev wg0")  # somebody else's
        self.write("AllowedIPs = ", "AllowedIPs = 10.9.0.0/16, fd09::/32, ")
        told = self.reload()
        self.assertRegex(told, "ours: taken over from .*: peers, routes set: 10.9.0.0/16, fd09::/32\n")
        self.assertIn("10.9.0.0/16 dev wg0", self.routes())
        self.assertIn("fd09::/32 dev wg0", self.routes())
        self.assert_pings(self.pair.one, THEIRS, THEIRS6, count=1)
        self.write("AllowedIPs = 10.9.0.0/16, fd09::/32, ", "AllowedIPs = ")
        self.assertIn("routes removed: 10.9.0.0/16, fd09::/32", self.reload())
        self.assertNotIn("10.9.0.0/16", self.routes())
        self.assertNotIn("fd09::/32", self.routes())
        self.assertIn("10.8.0.0/16", self.routes())
        self.assertIn("nothing has changed", self.reload())
        self.assert_pings(self.pair.one, THEIRS, THEIRS6, count=1)

    def test_address_and_mtu(self) -> None:
        self.pair.one.ip("address add 10.8.0.1/32 dev wg0")  # somebody else's
        self.write("MTU = 1420\n", "Address = 10.66.0.1/24, fd66::1/64\nMTU = 1300\n")
        told = self.reload()
        self.assertIn("MTU 1300, addresses set: 10.66.0.1/24, fd66::1/64", told)
        self.assertIn("mtu 1300", self.pair.one.ip("link show wg0"))
        self.assertEqual(self.details()["mtu"], 1300)
        self.assertIn("10.66.0.1/24", self.details()["address"])
        self.write("Address = 10.66.0.1/24, fd66::1/64\nMTU = 1300\n", "Address = 10.66.0.2/24\nMTU = 1420\n")
        self.reload()
        shown = self.pair.one.ip("address show wg0")
        self.assertIn("10.66.0.2/24", shown)
        self.assertNotIn("10.66.0.1/24", shown)
        self.assertNotIn("fd66::1", shown)
        self.assertIn("10.8.0.1/32", shown)
        self.assertIn("mtu 1420", shown)
        self.assert_pings(self.pair.one, THEIRS, count=1)

    def test_an_mtu_that_ipv6_does_not_work_with_and_back(self) -> None:
        self.write("MTU = 1420", "MTU = 1200")
        self.assertIn("IPv6 addresses and routes were left out", self.reload())
        self.write("MTU = 1200", "MTU = 1420")
        self.reload()
        self.assert_pings(self.pair.one, THEIRS, THEIRS6, count=1)

    def test_table(self) -> None:
        self.write("[Interface]\n", "[Interface]\nTable = 77\n")
        self.assertIn(" in table 77", self.reload())
        self.assertIn(THEIRS, self.routes("table 77"))
        self.assertNotIn(f"{THEIRS} dev", self.routes())
        self.write("Table = 77", "Table = off")
        self.reload()
        self.assertNotIn(THEIRS, self.routes("table all proto static"))
        self.write("Table = off", "Table = auto")
        self.reload()
        self.assert_pings(self.pair.one, THEIRS, THEIRS6, count=1)

    def test_dns_is_named(self) -> None:
        self.write("[Interface]\n", "[Interface]\nDNS = 10.77.0.53\n")
        self.assertIn("DNS has changed in the file, but is left alone, as at the start", self.reload())

    def test_the_signal_logs_the_output_of_the_command(self) -> None:
        self.write("AllowedIPs = ", "AllowedIPs = 10.9.0.0/16, ")
        self.write("MTU = 1420", "MTU = 1300")
        self.ours.process.send_signal(signal.SIGHUP)
        said = "peers, MTU 1300, routes set: 10.9.0.0/16\n"
        self.assertTrue(wait_until(lambda: said in self.ours.log.read_text(), 10, pause=0.1))
        self.write("MTU = 1300", "MTU = 1400")
        self.assertIn(": MTU 1400\n", self.reload())

    def test_wg_set_leaves_routes_alone_and_a_reload_does_not(self) -> None:
        self.wg("set", "ours", "peer", self.peer, "allowed-ips", "10.77.0.2/32,fd77::2/128,10.9.0.0/16")
        self.assertNotIn("10.9.0.0/16", self.routes())
        self.write("AllowedIPs = ", "AllowedIPs = 10.9.0.0/16, ")
        self.assertIn("routes set: 10.9.0.0/16", self.reload())

    def test_a_route_of_another_interface_stays_and_so_do_the_peers(self) -> None:
        self.pair.one.ip("link add other type veth peer name far")
        self.pair.one.ip("link set other up")
        self.pair.one.ip("route add 10.9.0.0/16 dev other")
        self.write("AllowedIPs = ", "AllowedIPs = 10.9.0.0/16, ")
        self.assertIn("the namespace has the route 10.9.0.0/16 already, to the interface other", self.reload(1))
        self.assertNotIn("10.9.0.0/16", self.wg("show", "ours", "allowed-ips"))
        self.assert_pings(self.pair.one, THEIRS, count=1)
        self.pair.one.ip("link delete other")

    def test_the_text_if_a_reload_cannot_change_the_namespace(self) -> None:
        """An engine's addresses and routes are its own matter."""
        self.ours.stop()
        self.ours = self.start("--cidr=10.0.2.0/24")
        self.write("AllowedIPs = ", "AllowedIPs = 10.9.0.0/16, ")
        self.write("MTU = 1420\n", "MTU = 1300\nAddress = 10.66.0.1/24\nDNS = 10.77.0.53\n")
        told = self.reload()
        self.assertIn(": peers\n", told)
        left = "not taken over from .*: Address, MTU, the routes of AllowedIPs, DNS. Start the tunnel again"
        self.assertRegex(told, left)
        self.assertNotIn("10.9.0.0/16", self.routes())
        told = self.reload()
        self.assertNotIn("nothing has changed", told)
        self.assertRegex(told, "not taken over from .*: Address, MTU, DNS. Start the tunnel again")


class TakenOver(ControlCase):
    """A tunnel that says it was started with another file of the user's. Its keys must not go there."""

    def setUp(self) -> None:
        super().setUp()
        self.own, self.others = Identity(), Identity()
        self.own_file = self.scratch.file("own.conf", self.text(self.own))
        self.others_file = self.scratch.file("others.conf", self.text(self.others))
        self.tunnels = self.scratch.folder / "wireguard4netns" / "tunnels"

    def text(self, key: Identity) -> str:
        return f"[Interface]\nPrivateKey = {key.private}\n[Peer]\nPublicKey = {Identity().public}\n"

    def fake(self) -> FakeTunnel:
        """This process is who listens there."""
        return self.enterContext(FakeTunnel(self.folder / "fake.sock", self.others_file, Identity().private))

    def register(self, config: object, pid: int | None = None, later: int = 0) -> Path:
        """An entry as the pages of supervise/registry.h have it, for a process that began so much `later`."""
        pid = pid or os.getpid()
        start = int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19]) + later
        entry = self.tunnels / f"{os.stat('/proc/self/ns/pid').st_ino}.{pid}.{start}"
        entry.touch(mode=0o600)
        entry.write_text(f"name=fake\nconfig={config}\nnetns=\n\n")
        self.addCleanup(entry.unlink, missing_ok=True)
        return entry

    def hex(self, key: Identity) -> bytes:
        return base64.b64decode(key.private).hex().encode()

    def assert_asks_for_the_file(self, fake: FakeTunnel) -> None:
        done = self.run_program("reload", "fake")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("it is not written down which file fake was started with. Name one: ", done.stderr)
        self.assertIn("wireguard4netns reload --config FILE fake\n", done.stderr)
        self.assertNotIn(b"set=1", fake.heard)

    def test_its_word_is_not_taken(self) -> None:
        fake = self.fake()
        self.assert_asks_for_the_file(fake)
        done = self.run_program("reload", "--config", str(self.own_file), "fake")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(self.hex(self.own), fake.heard)

    def test_that_of_its_entry_is(self) -> None:
        fake = self.fake()
        self.register(self.own_file)
        done = self.run_program("reload", "fake")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f": taken over from {self.own_file}: ", done.stderr)
        self.assertIn(self.hex(self.own), fake.heard)
        self.assertNotIn(self.hex(self.others), fake.heard)
        shown = json.loads(self.run_program("show", "fake", "--json").stdout)
        self.assertEqual(shown["fake"]["details"]["config"], str(self.own_file))

    def test_nor_that_of_another_process(self) -> None:
        """One that has ended and whose number is used again, or one that has nothing to do with the socket."""
        fake = self.fake()
        ended = self.register(self.others_file, later=-1)
        self.register(self.others_file, pid=self.theirs.pid)
        self.assert_asks_for_the_file(fake)
        self.assertFalse(ended.exists())

    def test_nor_that_of_a_file_that_somebody_else_could_have_made(self) -> None:
        fake = self.fake()
        entry = self.register(self.others_file)
        for mode in (0o644, 0o660):
            entry.chmod(mode)
            self.assert_asks_for_the_file(fake)
        copy = self.scratch.file("entry", entry.read_text())
        entry.unlink()
        entry.symlink_to(copy)
        self.assert_asks_for_the_file(fake)

    def test_one_that_has_no_file_says_so(self) -> None:
        fake = self.fake()
        self.register("")
        done = self.run_program("reload", "fake")
        self.assertEqual(done.returncode, 1)
        self.assertIn("fake was started without a configuration file. Name one: ", done.stderr)
        self.assertNotIn(b"set=1", fake.heard)


class Registry(ControlCase):
    def entries(self) -> dict[str, str]:
        folder = self.scratch.folder / "wireguard4netns" / "tunnels"
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
        found = {}
        for path in folder.iterdir():
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            fields = dict(line.split("=", 1) for line in path.read_text().splitlines() if line)
            found[fields["name"]] = f"{path.name.split('.')[1]} {fields['config']}"
        return found

    def test_a_tunnel_is_in_there_while_it_runs(self) -> None:
        theirs = self.entries()
        ours = self.start()
        self.assertEqual(self.entries(), theirs | {"ours": f"{ours.pid} {ours.config_path}"})
        ours.stop()
        self.assertEqual(self.entries(), theirs)

    def test_the_janitor_removes_that_of_one_that_was_killed(self) -> None:
        theirs = self.entries()
        self.start().kill()
        self.assertTrue(wait_until(lambda: self.entries() == theirs, PATIENCE_S))

    def test_else_who_looks_does(self) -> None:
        theirs = self.entries()
        self.start().kill_with_janitor()
        self.assertIn("ours", self.entries())
        self.run_program("show")
        self.assertEqual(self.entries(), theirs)

    def test_without_a_folder_of_its_own_a_tunnel_runs_all_the_same(self) -> None:
        """Its socket is in another one."""
        tunnels = self.scratch.folder / "wireguard4netns" / "tunnels"
        tunnels.chmod(0o770)
        try:
            ours = self.start()
            said = f"{tunnels} is not this user's alone"
            self.assertIn(said, ours.log.read_text())
            self.assertIn("'wireguard4netns reload ours' will ask for --config", ours.log.read_text())
            self.assertEqual(self.run_program("reload", "ours").returncode, 1)
            done = self.run_program("reload", "--config", str(ours.config_path), "ours")
            self.assertEqual(done.returncode, 0, done.stderr)
            ours.stop()
        finally:
            tunnels.chmod(0o700)


if __name__ == "__main__":
    harness.main()
