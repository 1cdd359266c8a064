"""The control socket: stock `wg` at a tunnel that runs, in its sandbox."""

import contextlib
import json
import os
import select
import shutil
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import harness
from control_case import Client, ControlCase
from fixtures import THEIRS, tunnel_in_world
from namespaces import World
from processes import PATIENCE_S, cpu_seconds, wait_until
from program import SANITIZED, Wg4, bindir, program_environment
from wireguard import Identity, end_to_end, free_udp_port, wg

MANY = 130_000
TICK_S = 0.01  # what the kernel counts processor time in


class StockWg(ControlCase):
    def test_show(self) -> None:
        ours = self.start()
        self.assert_confined(ours.pid)
        self.assert_pings(self.pair.one, THEIRS, count=1)
        self.assertEqual(set(self.wg("show", "interfaces").split()), {"ours", "theirs"})
        head, peer = (line.split("\t") for line in self.wg("show", "ours", "dump").splitlines())
        public = wg("pubkey", text=self.pair.config.private)
        port = self.wg("show", "ours", "listen-port").strip()
        self.assertEqual(head, [self.pair.config.private, public, port, "off"])
        self.assertFalse(is_free(int(port)))
        key, psk, endpoint, allowed, handshake, received, sent, keepalive = peer
        self.assertEqual((key, psk), (self.peer, "(none)"))
        self.assertEqual(endpoint, self.pair.config.peers[0].endpoint)
        self.assertEqual(allowed.split(","), ["10.77.0.2/32", "fd77::2/128"])
        self.assertLess(abs(time.time() - int(handshake)), PATIENCE_S)
        self.assertGreater(int(received), 0)
        self.assertGreater(int(sent), 0)
        self.assertEqual(keepalive, "off")

    def test_showconf_round_trips_through_setconf_and_syncconf(self) -> None:
        self.start()
        shown = self.wg("showconf", "ours")
        for command in ("setconf", "syncconf"):
            self.wg(command, "ours", self.file(shown))
            self.assertEqual(self.wg("showconf", "ours"), shown, command)
        self.assert_pings(self.pair.one, THEIRS, count=1)

    def test_set_and_remove_peers(self) -> None:
        self.start()
        other, key = Identity().public, wg("genpsk")
        options = ["endpoint", "[fd00::1]:7", "persistent-keepalive", "25", "allowed-ips", "10.9.0.0/16,::/0"]
        self.wg("set", "ours", "peer", other, "preshared-key", "/dev/stdin", *options, text=key)
        line = next(row for row in self.wg("show", "ours", "dump").splitlines() if row.startswith(other))
        # A keepalive that is switched on sends at once: an initiation.
        said = [other, key, "[fd00::1]:7", "10.9.0.0/16,::/0", "0", "0", "148", "25"]
        self.assertEqual(line.split("\t"), said)
        # An allowed IP belongs to one peer.
        self.wg("set", "ours", "peer", other, "allowed-ips", "10.77.0.2/32")
        self.assertIn(f"{self.peer}\tfd77::2/128\n", self.wg("show", "ours", "allowed-ips"))
        self.assert_no_ping(self.pair.one, THEIRS)
        self.wg("set", "ours", "peer", other, "remove", "peer", self.peer, "allowed-ips", "10.77.0.2/32")
        self.assertEqual(self.wg("show", "ours", "peers").split(), [self.peer])
        self.assert_pings(self.pair.one, THEIRS, count=1)

    def test_addconf_keeps_existing_peers(self) -> None:
        self.start()
        other = Identity().public
        section = f"[Peer]\nPublicKey = {other}\nAllowedIPs = 10.9.0.0/16\n"
        self.assert_session_kept(lambda: self.wg("addconf", "ours", self.file(section)))
        self.assertEqual(set(self.wg("show", "ours", "peers").split()), {self.peer, other})

    def test_syncconf_keeps_sessions_that_are_not_concerned(self) -> None:
        self.start()
        port = self.wg("show", "ours", "listen-port").strip()
        config = self.pair.config
        config.port = int(port)
        gone = Identity().public
        self.wg("set", "ours", "peer", gone)
        self.assert_session_kept(lambda: self.wg("syncconf", "ours", self.file(config.for_wg())))
        self.assertEqual(self.wg("show", "ours", "peers").split(), [self.peer])

    def test_preshared_key(self) -> None:
        self.start()
        key = wg("genpsk")
        self.assert_pings(self.pair.one, THEIRS, count=1)
        public = wg("pubkey", text=self.pair.config.private)
        for name, peer in (("ours", self.peer), ("theirs", public)):
            self.wg("set", name, "peer", peer, "preshared-key", "/dev/stdin", text=key)
            self.assertIn(key, self.wg("show", name, "preshared-keys"))
            self.assert_pings(self.pair.one, THEIRS, count=1)
            self.wg("set", name, "peer", peer, "preshared-key", "/dev/null")

    def test_changes_that_are_refused(self) -> None:
        self.start()
        for arguments, why in (
            (["set", "ours", "fwmark", "5"], "Operation not permitted"),
            (["set", "ours", "listen-port", "80"], "Permission denied"),
            (["set", "nobody", "listen-port", "0"], "Unable to modify interface"),
        ):
            with self.subTest(arguments):
                done = self.run_program("wg", *arguments)
                self.assertEqual(done.returncode, 1)
                self.assertIn(why, done.stderr)
        self.assert_pings(self.pair.one, THEIRS, count=1)


class Ports(ControlCase):
    def test_another_port_keeps_the_session(self) -> None:
        for options in ([], ["--threads=3"]):
            with self.subTest(options=options):
                ours = self.start(*options)
                port, before = free_udp_port(), int(self.wg("show", "ours", "listen-port"))
                self.assert_session_kept(lambda: self.wg("set", "ours", "listen-port", str(port)))
                self.assertEqual(self.wg("show", "ours", "listen-port").strip(), str(port))
                public = wg("pubkey", text=self.pair.config.private)
                self.assertIn(f"{public}\t127.0.0.1:{port}\n", self.wg("show", "theirs", "endpoints"))
                self.assertTrue(is_free(before))
                # The listener moves, too: the other end finds it where it was told to.
                other = free_udp_port()
                self.wg("set", "theirs", "listen-port", str(other))
                self.assert_pings(self.pair.other, self.pair.config.addresses[0].split("/")[0], count=2)
                self.assert_pings(self.pair.one, THEIRS, count=2)
                ours.stop()
                original = self.pair.config.peers[0].endpoint.rpartition(":")[2]
                self.wg("set", "theirs", "listen-port", original)

    def test_a_port_that_is_busy(self) -> None:
        self.start()
        before = self.wg("show", "ours", "listen-port")
        busy = self.wg("show", "theirs", "listen-port").strip()
        done = self.run_program("wg", "set", "ours", "listen-port", busy)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Address already in use", done.stderr)
        self.assertEqual(self.wg("show", "ours", "listen-port"), before)
        self.assert_pings(self.pair.one, THEIRS, count=1)

    def test_zero_is_another_one(self) -> None:
        self.start()
        before = self.wg("show", "ours", "listen-port")
        self.assert_session_kept(lambda: self.wg("set", "ours", "listen-port", "0"))
        self.assertNotIn(self.wg("show", "ours", "listen-port"), (before, "0\n"))


class Keys(ControlCase):
    def test_another_private_key(self) -> None:
        self.start()
        self.assert_pings(self.pair.one, THEIRS, count=1)
        new = Identity()
        allowed = "10.77.0.1/32,fd77::1/128"
        self.wg("set", "theirs", "peer", new.public, "allowed-ips", allowed)
        self.wg("set", "ours", "private-key", "/dev/stdin", text=new.private)
        self.assertEqual(self.wg("show", "ours", "public-key").strip(), new.public)
        self.assert_pings(self.pair.one, THEIRS, count=1)

    def test_the_lock_goes_with_the_key(self) -> None:
        self.start()
        new, taken = Identity(), self.pair.other_config.private
        refused = self.run_program("wg", "set", "ours", "private-key", "/dev/stdin", text=taken)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("Address already in use", refused.stderr)
        self.assertEqual(self.wg("show", "ours", "private-key").strip(), self.pair.config.private)
        self.wg("set", "ours", "private-key", "/dev/stdin", text=new.private)
        # The old key is free, the new one is not.
        self.wg("set", "theirs", "private-key", "/dev/stdin", text=self.pair.config.private)
        refused = self.run_program("wg", "set", "theirs", "private-key", "/dev/stdin", text=new.private)
        self.assertIn("Address already in use", refused.stderr)

    def test_a_peer_that_is_ourselves(self) -> None:
        self.start()
        own = wg("pubkey", text=self.pair.config.private)
        self.wg("set", "ours", "peer", own, "allowed-ips", "10.9.0.0/16")
        self.assertEqual(self.wg("show", "ours", "peers").split(), [self.peer])


class Protocol(ControlCase):
    def setUp(self) -> None:
        super().setUp()
        self.ours = self.start()

    def client(self) -> Client:
        return self.enterContext(Client(self.path))

    def test_several_requests(self) -> None:
        client = self.client()
        self.assertEqual(client.ask("set=1\n\n"), "errno=0\n\n")
        first = client.ask("get=1\n\n")
        self.assertRegex(first, r"(?s)^private_key=[0-9a-f]{64}\nlisten_port=\d+\npublic_key=.*\nerrno=0\n\n$")
        self.assertEqual(client.ask("get=1\n\n"), first)
        self.assertRegex(client.ask("wg4netns=1\n\n"), r"(?s)cipher=\S+\n.*drop_no-route=0\n.*errno=0\n\n$")
        self.assertEqual(client.ask("set=1\nx=1\n\n"), "errno=-22\n\n")
        client.socket.sendall(b"hello\n")
        self.assertEqual(client.socket.recv(1), b"")

    def test_permissions(self) -> None:
        self.assertEqual(stat.S_IMODE(self.folder.stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_many_allowed_ips(self) -> None:
        lines = "".join(
            f"allowed_ip=10.{i >> 16}.{i >> 8 & 255}.{i & 255}/32\n" for i in range(MANY)
        )
        client = self.client()
        began = time.monotonic()
        key = "55" * 32
        self.assertEqual(client.ask(f"set=1\npublic_key={key}\n{lines}\n"), "errno=0\n\n")
        said = time.monotonic()
        shown = client.ask("get=1\n\n")
        print(f"{MANY} allowed IPs: set {said - began:.2f} s, get {time.monotonic() - said:.2f} s")
        self.assertEqual(shown.count("allowed_ip=10."), MANY + 1)
        self.assertIn(lines, shown)
        config = self.wg("showconf", "ours")
        self.wg("setconf", "ours", self.file(config))
        again = self.wg("showconf", "ours")
        self.assertEqual(sorted(again.splitlines()), sorted(config.splitlines()))
        self.assert_pings(self.pair.one, THEIRS, count=1)

    def test_no_client_blocks_the_tunnel(self) -> None:
        """Clients that send half a request, a line without end, or read nothing."""
        self.assert_pings(self.pair.one, THEIRS, count=1)
        for i in range(100):
            client = self.client()
            request = (b"set=1\nlisten", b"get=1\n", b"set=1\n" + b"x" * 60_000, b"get=1\n\n" * 8000)[i % 4]
            client.socket.settimeout(0.1)
            with contextlib.suppress(TimeoutError):
                client.socket.sendall(request)
        self.assert_pings(self.pair.one, THEIRS, count=20)
        self.assertEqual(self.client().ask("set=1\n\n"), "errno=0\n\n")

    def test_more_clients_than_there_are_places(self) -> None:
        clients = [self.client() for _ in range(300)]
        self.assertEqual(clients[-1].ask("set=1\n\n"), "errno=0\n\n")
        self.assertEqual(clients[100].ask("set=1\n\n"), "errno=0\n\n")
        with self.assertRaises((EOFError, ConnectionError)):
            clients[0].ask("set=1\n\n")

    def test_a_hundred_watchers_cost_little(self) -> None:
        """Answering the requests of `show --watch` from 100 terminals costs about as much as making them."""
        before, asked_before = cpu_seconds(self.ours.pid), time.process_time()
        for _ in range(500):
            with Client(self.path):  # it looks for tunnels
                pass
            for request in ("get=1\n\n", "wg4netns=1\n\n"):
                with Client(self.path) as client:
                    client.ask(request)
        answering, asking = cpu_seconds(self.ours.pid) - before, time.process_time() - asked_before
        print(f"500 looks: {answering:.2f} s of CPU to answer, {asking:.2f} s to ask")
        if not SANITIZED:
            self.assertLess(answering, 2 * asking + 2 * TICK_S)

    def test_memory_stays_flat_for_a_client_that_does_not_read(self) -> None:
        clients = [self.client() for _ in range(64)]
        before = resident_kib(self.ours)
        for client in clients:
            client.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while client.socket.send(b"get=1\n\n" * 1000):
                    pass
        # The program has read as much as it accepts: no client can send more.
        self.assertTrue(wait_until(lambda: not select.select([], [client.socket for client in clients], [], 0.5)[1], 5))
        grown = resident_kib(self.ours) - before
        print(f"64 clients that do not read: {grown} KiB more")
        if not SANITIZED:
            self.assertLess(grown, 64 * 160)


class Names(ControlCase):
    def test_gone_at_the_end(self) -> None:
        for end in ("stop", "term"):
            ours = self.start()
            self.assertTrue(self.path.is_socket())
            if end == "term":
                ours.process.terminate()
                ours.expect_end(0)
            else:
                ours.stop()
            self.assertFalse(self.path.exists())

    def test_a_killed_one_leaves_none(self) -> None:
        self.start().kill()
        self.assertTrue(wait_until(lambda: not self.path.exists(), PATIENCE_S))

    def test_the_socket_of_a_killed_one_is_replaced(self) -> None:
        self.start().kill_with_janitor()
        self.assertTrue(self.path.is_socket())
        self.start()
        self.assertIn("ours", self.wg("show", "interfaces").split())

    def test_a_name_that_is_taken(self) -> None:
        ours = self.start()
        namespace = self.namespace()
        other = end_to_end(Identity(), Identity(), 1)
        second = Wg4(self.scratch, namespace, other, options=["--control=ours"])
        second.start()
        second.expect_end(1)
        self.assertIn(f"ours.sock: Address already in use. It is that of process {ours.pid}", second.log.read_text())
        self.assertIn("ours", self.wg("show", "interfaces").split())

    def test_by_default_that_of_the_interface(self) -> None:
        """Or, where another tunnel has it, one with the number of the process."""
        other = end_to_end(Identity(), Identity(), 1)
        first = self.wg4(self.namespace(), other, ifname="tunnel0")
        self.assertTrue((self.folder / "tunnel0.sock").is_socket())
        second = self.wg4(self.namespace(), end_to_end(Identity(), Identity(), 1), ifname="tunnel0")
        self.assertTrue((self.folder / f"tunnel0-{second.pid}.sock").is_socket())
        self.assertIn(f"known to wg and show as tunnel0-{second.pid}", second.log.read_text())
        second.stop()
        first.stop()
        self.assertEqual(os.listdir(self.folder), ["theirs.sock"])

    def test_off(self) -> None:
        self.wg4(self.pair.one, self.pair.config, options=["--control=off"])
        self.assertEqual(os.listdir(self.folder), ["theirs.sock"])

    def test_without_a_folder_there_is_none(self) -> None:
        """The start says so, and `show` does: nothing shown does not mean that nothing runs."""
        read_only = self.scratch.folder / "00-read-only"
        read_only.mkdir(mode=0o500)
        long = self.scratch.folder / ("00-" + 90 * "x")
        long.mkdir()
        for value, why in (
            (None, "XDG_RUNTIME_DIR is not set"),
            ("relative", "is not an absolute path"),
            ("/nonexistent", "No such file"),
            ("/etc/passwd", "is not a folder"),
            ("/", "belongs to another user"),
            (str(read_only), "cannot be written to"),
            (str(long), "too long for a socket"),
        ):
            setting = ["-u", "XDG_RUNTIME_DIR"] if value is None else [f"XDG_RUNTIME_DIR={value}"]
            with Wg4(self.scratch, self.pair.one, self.pair.config, prefix=["env", *setting]) as tunnel:
                self.assertRegex(tunnel.log.read_text(), f"warning: .*{why}.*no control socket")
            for command in (["show"], ["show", "interfaces"], ["show", "--json"]):
                done = subprocess.run(
                    ["env", *setting, bindir() / "wireguard4netns", *command],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                self.assertEqual(done.returncode, 1, (value, command))
                self.assertRegex(done.stderr, why)
        self.assertEqual(os.listdir(self.folder), ["theirs.sock"])
        shutil.rmtree(long)  # with the lock of keys
        read_only.rmdir()


class Show(ControlCase):
    def setUp(self) -> None:
        super().setUp()
        self.ours = self.start()
        self.assert_pings(self.pair.one, THEIRS, count=1)

    def show(self, *arguments: str, **environment: str) -> str:
        done = self.run_program("show", *arguments, **environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
        return done.stdout

    def test_the_same_as_wg_to_the_byte(self) -> None:
        fields = (
            "public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips "
            "latest-handshakes transfer persistent-keepalive dump"
        ).split()
        for field in fields:
            for which in ("ours", "all"):
                self.assertEqual(
                    sorted(self.show(which, field).splitlines()),
                    sorted(self.wg("show", which, field).splitlines()),
                    (which, field),
                )
        self.assertEqual(
            set(self.show("interfaces").split()), set(self.wg("show", "interfaces").split())
        )
        self.wg("set", "ours", "peer", self.peer, "persistent-keepalive", "3661")
        for mode, hide in (("never", "always"), ("always", "never")):
            environment = {"WG_COLOR_MODE": mode, "WG_HIDE_KEYS": hide}

            def both_say_the_same(environment: dict[str, str] = environment) -> bool:
                ours = self.show("ours", **environment)
                theirs = self.run_program("wg", "show", "ours", **environment).stdout
                return ours.startswith(theirs.replace("\x1b[0m", "", 1) if mode == "always" else theirs)

            # Seconds pass in between.
            self.assertTrue(wait_until(both_say_the_same, 5), mode)

    def test_this_programs_own_status(self) -> None:
        self.pair.one.run("ping", "-c1", "-W1", "10.77.0.99", check=False)
        shown = self.show("ours")
        self.assertRegex(shown, r"details: ours\n  config: .*wg0.conf\n  mtu: 1420\n")
        self.assertRegex(shown, r"\n  dropped packets: .*no-route")
        self.assertRegex(self.show("ours", "drops"), r"(?m)^no-route\t[1-9]")
        told = json.loads(self.show("--json"))
        self.assertEqual(set(told), {"ours", "theirs"})
        ours = told["ours"]
        self.assertEqual(ours["privateKey"], "(hidden)")
        self.assertEqual(ours["peers"][self.peer]["allowedIps"], ["10.77.0.2/32", "fd77::2/128"])
        self.assertGreater(ours["drops"]["no-route"], 0)

    def test_drops_at_tun_and_udp(self) -> None:
        drops = json.loads(self.show("ours", "--json"))["ours"]["drops"]
        for edge in ("tun-read", "tun-write", "udp-send", "udp-queue"):
            self.assertEqual(drops[edge], 0, edge)
            self.assertIn(f"{edge}\t0\n", self.show("ours", "drops"))

    def test_a_path_of_any_bytes(self) -> None:
        """A line stays a line, JSON stays JSON, and a reader can restore the path."""
        for name in (
            b'My "home".conf',
            b"a\\tb.conf",
            b"caf\xe9.conf",
            b"a\nerrno=1\n\n.conf",
            b"\x1b[2J.conf",
        ):
            text = end_to_end(Identity(), Identity(), 1).for_wg_quick()
            config = self.scratch.file(os.fsdecode(name), text)
            tunnel = self.wg4(self.namespace(), config, options=["--control=odd"])
            shown = json.loads(self.show("odd", "--json"))["odd"]
            self.assertEqual(shown["details"]["config"], str(config))
            self.assertNotIn("\x1b", self.show("odd"))
            details = dict(line.split("\t") for line in self.show("odd", "details").splitlines())
            self.assertEqual(details["threads"], str(shown["details"]["threads"]))
            self.run_program("reload", "odd")
            tunnel.stop()
            for line in tunnel.log.read_text().splitlines():
                self.assertRegex(line, "^wireguard4netns: ")

    def test_watch(self) -> None:
        command = [bindir() / "wireguard4netns", "show", "ours", "transfer", "--watch=0.1"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=program_environment(self.scratch)
        ) as watch:
            lines = [watch.stdout.readline() for _ in range(5)]
            self.assertEqual(len({line.split("\t")[0] for line in lines}), 1)
            self.ours.stop()
            self.assertEqual(watch.wait(PATIENCE_S), 1)

    def test_errors(self) -> None:
        for arguments, why in (
            (["nobody"], "There are: ours, theirs"),
            (["ours", "nothing"], "there is no field 'nothing'"),
        ):
            done = self.run_program("show", *arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr)


class NobodyReads(harness.TestCase):
    """Standard error is /dev/null, or an unlinked file: messages also go to syslog."""

    LISTEN = """
import socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
print("ready", flush=True)
while True:
    print(log.recv(65536).decode(), flush=True)
"""
    OWN_DEV = (
        "mount -t tmpfs tmpfs /mnt && mkdir /mnt/net && touch /mnt/null /mnt/urandom && "
        "mount --bind /dev/null /mnt/null && mount --bind /dev/urandom /mnt/urandom && "
        "mount --rbind /dev/net /mnt/net && mount --rbind /mnt /dev"
    )

    def setUp(self) -> None:
        super().setUp()
        self.host = self.namespace(mount=True)
        self.target = self.namespace(self.host)
        self.host.run("sh", "-c", self.OWN_DEV)
        self.syslog = self.enterContext(
            self.host.background(sys.executable, "-c", self.LISTEN)
        )
        self.assertEqual(self.next_line(), "ready\n")
        self.config = end_to_end(Identity(), Identity(), 1)
        self.config.peers[0].endpoint = "127.0.0.1:9"  # no warning comes first

    def next_line(self) -> str:
        return self.syslog.stdout.readline().decode()

    def start(self, redirection: str) -> Wg4:
        prefix = ["sh", "-c", f'{redirection}; exec "$@"', "sh"]
        tunnel = self.wg4(self.target, self.config, where=self.host, prefix=prefix, options=["--control=quiet"])
        said = self.next_line()
        self.assertRegex(said, r"^<14>wireguard4netns\[\d+\]: wg0 in ")
        return tunnel

    def place(self) -> str:
        setting = f"XDG_RUNTIME_DIR={self.scratch.folder}"
        command = ("env", setting, str(bindir() / "wireguard4netns"), "show", "quiet", "--json")
        return json.loads(self.host.run(*command).stdout)["quiet"]["details"]["log"]

    def test_null(self) -> None:
        self.start("exec 2<&0")
        self.assertIn("syslog", self.place())

    def test_a_file_without_a_name(self) -> None:
        file = self.scratch.folder / "00-gone"
        self.start(f"exec 2>{file}; rm {file}")
        self.assertIn("syslog", self.place())

    def test_warnings_and_messages_from_the_sandbox(self) -> None:
        self.config.peers[0].endpoint = "127.0.0.1:9"
        self.start("exec 2<&0")
        self.target.run("ping", "-c1", "-W1", THEIRS, check=False)
        said = self.next_line()
        self.assertRegex(said, r"^<12>wireguard4netns\[\d+\]: warning: peer ")

    def test_a_log_that_is_read(self) -> None:
        self.wg4(self.target, self.config, where=self.host, options=["--control=quiet"])
        self.assertEqual(self.place(), "standard error")


class Root(harness.TestCase):
    def test_where_stock_wg_looks(self) -> None:
        """In a namespace's /run, where our program is uid 0: `wg` itself finds it."""
        tunnel = tunnel_in_world(self)
        shown = tunnel.world.host.run("wg", "show", "wg0", "peers").stdout.split()
        self.assertEqual(shown, [tunnel.theirs.public])
        tunnel.world.host.run("wg", "set", "wg0", "listen-port", "5009")
        self.assert_pings(tunnel.container, THEIRS)
        self.assertEqual(tunnel.endpoint_at_go(), f"{World.HOST}:5009")
        tunnel.wg4.stop()
        self.assertEqual(tunnel.world.host.run("ls", "/run/wireguard").stdout, "")


def is_free(port: int) -> bool:
    """For a UDP socket of IPv4."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def resident_kib(wg4: Wg4) -> int:
    return int(wg4.status_field("VmRSS").split()[0])


if __name__ == "__main__":
    harness.main()
