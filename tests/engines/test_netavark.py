"""Our program as a network plugin, called with the very words and JSON of Podman and netavark."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import harness_path  # noqa: F401  isort: skip

import harness
from beyond import Beyond
from engine_case import EngineCase, free_tcp_port
from fixtures import THEIRS, THEIRS6
from namespaces import HERE
from netavark import container, network
from pasta import Engine, Netns
from processes import PATIENCE_S, assert_only, background, descendants, wait_until
from program import bindir, program_environment

BROKER = "wg4netns-broker"


class PluginCase(EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.beyond = Beyond(self, 2)
        self.confs = [str(self.scratch.file("vpn.conf", text)) for text in self.beyond.configs]
        self.engine = self.enterContext(Engine(self.scratch))
        self.plugin = self.engine.folder / "bin" / "wireguard"
        self.plugin.symlink_to(bindir() / "wireguard4netns")
        # Where rootless Podman has netavark run: without a way to the host.
        self.rootless_netns = self.engine.netns("rootless-netns")
        self.known = {entry.pid for entry in descendants()}
        self.addCleanup(self.remove_folder)
        self.addCleanup(self.end_broker)

    @property
    def folder(self) -> Path:
        return self.scratch.folder / "wireguard4netns"

    def remove_folder(self) -> None:
        """It has to be empty by then."""
        if self.folder.exists():
            (self.folder / "keys.lock").unlink(missing_ok=True)
            if (self.folder / "tunnels").exists():
                (self.folder / "tunnels").rmdir()
            self.folder.rmdir()

    def brokers(self) -> list[int]:
        return self.pids_of(BROKER)

    def end_broker(self) -> None:
        for pid in self.brokers():
            os.kill(pid, signal.SIGTERM)
        assert_only(self.known)

    def call(self, words: list[str], request: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            input=request if isinstance(request, str) else json.dumps(request),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            env=program_environment(self.scratch),
        )

    def create(self, **options: str) -> dict[str, Any]:
        """In the host's network, as `podman network create` is."""
        done = self.call(self.engine.command(str(self.plugin), "create"), network(**options))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def exec(self, verb: str, netns: Netns, request: object) -> subprocess.CompletedProcess[str]:
        """In rootless-netns, as netavark is."""
        enter = ["nsenter", f"--net={self.rootless_netns.path}"]
        words = self.engine.command(*enter, str(self.plugin), verb, str(netns.path))
        return self.call(words, request)

    def set_up(self, netns: Netns, request: dict[str, Any]) -> dict[str, Any]:
        done = self.exec("setup", netns, request)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        status = json.loads(done.stdout)
        servers = status["dns_server_ips"]
        netns.resolv_conf.write_text("".join(f"nameserver {server}\n" for server in servers))
        return status

    def tear_down(self, netns: Netns, request: dict[str, Any]) -> None:
        done = self.exec("teardown", netns, request)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(netns.links(), ["lo"])

    def refused(self, done: subprocess.CompletedProcess[str]) -> str:
        self.assertEqual(done.returncode, 1)
        answer = json.loads(done.stdout)
        self.assertEqual(list(answer), ["error"])
        return answer["error"]


class Networks(PluginCase):
    def test_info(self) -> None:
        done = self.call([str(self.plugin), "info"], "")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(json.loads(done.stdout)["api_version"], "1.0.0")

    def test_create_says_the_network_back_and_starts_one_broker(self) -> None:
        for _ in range(2):
            made = self.create(config=self.confs[0])
            wanted = network(config=self.confs[0])
            wanted |= {"ipam_options": {"driver": "none"}, "dns_enabled": False}
            self.assertEqual(made, wanted)
            self.assertTrue(wait_until(lambda: len(self.brokers()) == 1, 5))  # it takes its name a moment later
        self.assertEqual(self.folder.stat().st_mode & 0o777, 0o700)
        (pid,) = self.brokers()
        self.assertEqual(os.getsid(pid), pid)

    def test_a_container(self) -> None:
        self.create(config=self.confs[0])
        netns, request = self.engine.netns("netns-1"), container("box", config=self.confs[0])
        status = self.set_up(netns, request)
        own, own6 = self.beyond.addresses[0], self.beyond.addresses6[0]
        self.assertEqual(
            status,
            {
                "dns_search_domains": [],
                "dns_server_ips": [THEIRS, THEIRS6],
                "interfaces": {
                    "eth0": {
                        "mac_address": "00:00:00:00:00:00",
                        "subnets": [
                            {"ipnet": f"{own}/32", "gateway": None},
                            {"ipnet": f"{own6}/128", "gateway": None},
                        ],
                    }
                },
            },
        )
        self.assert_tunnelled(self.beyond, netns.inside)
        self.tear_down(netns, request)
        self.tear_down(netns, request)  # engines repeat themselves
        self.assertEqual(self.pids_of("wireguard4netns"), [])
        self.set_up(netns, request)
        self.assert_resolves(self.beyond, netns.inside)

    def test_two_containers_with_a_profile_each(self) -> None:
        """-o config=.../%n.conf: each container's name names its key."""
        folder = self.scratch.folder / "00-keys"
        folder.mkdir()
        boxes = []
        self.create(config=f"{folder}/%n.conf")
        for number in range(2):
            path = folder / f"box-{number}.conf"
            path.write_text(self.beyond.configs[number])
            path.chmod(0o600)
            request = container(f"box-{number}", config=f"{folder}/%n.conf")
            boxes.append((self.engine.netns(f"netns-{number}"), request))
        for netns, request in boxes:
            self.set_up(netns, request)
        for number, (netns, _) in enumerate(boxes):
            self.assert_tunnelled(self.beyond, netns.inside, number)
        self.tear_down(*boxes[0])
        self.assert_tunnelled(self.beyond, boxes[1][0].inside, 1)
        self.assertEqual(boxes[0][0].links(), ["lo"])

    def test_ports_where_the_engine_does_not_publish_them(self) -> None:
        """Rootless Podman does; as root it leaves them to the plugin. Here the option says so."""
        port = free_tcp_port()
        mapping = {
            "container_port": 8080,
            "host_ip": "127.0.0.1",
            "host_port": port,
            "protocol": "tcp",
            "range": 1,
        }
        www = self.scratch.folder / "00-www"
        www.mkdir()
        (www / "index.html").write_text("inside")
        netns = self.engine.netns("netns-1")
        server = netns.command("busybox", "httpd", "-f", "-p", "8080", "-h", str(www))
        self.enterContext(background(server))
        self.create(config=self.confs[0])
        self.set_up(netns, container("box", [mapping], config=self.confs[0]))
        with socket.socket() as probe:
            self.assertNotEqual(probe.connect_ex(("127.0.0.1", port)), 0)
        self.set_up(netns, container("box", [mapping], config=self.confs[0], publish="true"))
        self.assert_published(port)

    def test_an_engine_that_died_without_a_teardown(self) -> None:
        self.create(config=self.confs[0])
        request = container("box", config=self.confs[0])
        self.set_up(self.engine.netns("netns-1"), request)
        other = self.engine.netns("netns-2")
        self.set_up(other, request)
        self.assert_tunnelled(self.beyond, other.inside)
        self.assertEqual(len(self.pids_of("wireguard4netns")), 1)


class Example(PluginCase):
    def test_vpn_network(self) -> None:
        """With a stand-in for Podman, since Debian's is too old."""
        here = Path(__file__).resolve().parent
        podman = self.engine.folder / "bin" / "podman"
        podman.symlink_to(here / "stand_in_podman.py")
        script = str(HERE.parent.parent / "examples/netavark/vpn-network.sh")
        request = ("busybox", "wget", "-q", "-O-", f"http://{THEIRS}/")
        done = self.engine.run(
            *("bash", script, self.confs[0], "--rm", "image", *request),
            PATH=f"{podman.parent}:{os.environ['PATH']}",
            WIREGUARD4NETNS=str(bindir() / "wireguard4netns"),
            ROOTLESS_NETNS=str(self.rootless_netns.path),
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stdout.strip(), f"hello {self.beyond.addresses[0]}")
        self.assertEqual(self.pids_of("wireguard4netns"), [])


class Broker(PluginCase):
    def test_killed_it_takes_its_tunnels_down(self) -> None:
        self.create(config=self.confs[0])
        netns, request = self.engine.netns("netns-1"), container("box", config=self.confs[0])
        self.set_up(netns, request)
        self.scratch.killed = True
        os.kill(self.brokers()[0], signal.SIGKILL)
        self.assertTrue(wait_until(lambda: netns.links() == ["lo"], 5))
        assert_only(self.known)
        self.tear_down(netns, request)
        self.create(config=self.confs[0])  # in the place of the dead one
        self.set_up(netns, request)
        self.assert_tunnelled(self.beyond, netns.inside)

    def test_killed_a_tunnel_cuts_one_container_off(self) -> None:
        self.create(config=self.confs[0])
        boxes = [
            (self.engine.netns(f"netns-{n}"), container(f"box-{n}", config=self.confs[n]))
            for n in range(2)
        ]
        self.set_up(*boxes[0])
        victim = self.our_pid()
        self.set_up(*boxes[1])
        self.scratch.killed = True
        os.kill(victim, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: boxes[0][0].links() == ["lo"], 5))
        self.assert_tunnelled(self.beyond, boxes[1][0].inside, 1)
        self.tear_down(*boxes[0])

    def test_it_ends_when_its_socket_is_removed(self) -> None:
        self.create(config=self.confs[0])
        (self.folder / "broker.sock").unlink()
        assert_only(self.known)

    def test_in_the_foreground_until_it_is_idle(self) -> None:
        words = self.engine.command(str(bindir() / "wireguard4netns"), "broker", "--idle", "1")
        with background(words, env=program_environment(self.scratch)) as broker:
            self.assertTrue(wait_until((self.folder / "broker.sock").exists, 5))
            netns, request = self.engine.netns("netns-1"), container("box", config=self.confs[0])
            self.set_up(netns, request)
            self.assert_tunnelled(self.beyond, netns.inside)
            with self.assertRaises(subprocess.TimeoutExpired):
                broker.wait(2)
            self.tear_down(netns, request)
            self.assertEqual(broker.wait(PATIENCE_S), 0)
        self.assertFalse((self.folder / "broker.sock").exists())

    def test_a_second_one_is_told(self) -> None:
        self.create(config=self.confs[0])
        words = self.engine.command(str(bindir() / "wireguard4netns"), "broker")
        second = self.call(words, "")
        self.assertEqual(second.returncode, 1)
        self.assertIn("already", second.stderr)

    def test_at_a_socket_of_systemds(self) -> None:
        self.folder.mkdir(mode=0o700)
        path = str(self.folder / "broker.sock")
        start = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" broker --idle 1 3<&"$1"'
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(path)
            listener.listen()
            fd = listener.fileno()
            words = ["sh", "-c", start.replace('"$1"', str(fd)), str(bindir() / "wireguard4netns")]
            with background(
                self.engine.command(*words), env=program_environment(self.scratch), pass_fds=(fd,)
            ) as broker:
                netns = self.engine.netns("netns-1")
                request = container("box", config=self.confs[0])
                self.set_up(netns, request)
                self.assert_tunnelled(self.beyond, netns.inside)
                self.tear_down(netns, request)
                self.assertEqual(broker.wait(PATIENCE_S), 0)
        Path(path).unlink()  # still there: it is systemd's


class Errors(PluginCase):
    def test_no_broker(self) -> None:
        said = self.refused(
            self.exec("setup", self.engine.netns("netns-1"), container("b", config=self.confs[0]))
        )
        self.assertIn("wireguard4netns broker", said)

    def test_create(self) -> None:
        words = self.engine.command(str(self.plugin), "create")
        for request, said in (
            ("", "JSON"),
            ("[]", "JSON"),
            (network(config="vpn.conf"), "absolute"),
            (network(config="/a", profile="b"), "config and profile"),
            (network(colour="blue"), "colour=blue"),
            (network(profile="no-such"), "profiles/no-such.conf"),
            (network(profile="../x"), "profile"),
            (network(config=self.confs[0]) | {"subnets": [{"subnet": "10.0.0.0/24"}]}, "subnets"),
        ):
            with self.subTest(said=said):
                self.assertIn(said, self.refused(self.call(words, request)))
        self.assertEqual(self.brokers(), [])

    def test_setup(self) -> None:
        self.create(config=self.confs[0])
        netns, good = self.engine.netns("netns-1"), container("box", config=self.confs[0])
        taken = self.engine.netns("netns-2")
        taken.run("ip", "link", "add", "eth0", "type", "bridge")
        bad_port = [{"container_port": 0, "host_port": 1, "protocol": "tcp"}]
        for place, request, said in (
            (netns, "{", "JSON"),
            (netns, good | {"container_id": None}, "container_id"),
            (netns, good | {"network_options": {}}, "interface_name"),
            (netns, good | {"port_mappings": bad_port}, "container_port"),
            (netns, container("box", config="/no/such.conf"), "/no/such.conf"),
            (netns, container("box", config=self.confs[0], mtu="12"), "mtu"),
            (Netns(self.engine, Path("/no/such/netns")), good, "/no/such/netns"),
            (taken, good, "eth0 is taken"),
        ):
            with self.subTest(said=said):
                self.assertIn(said, self.refused(self.exec("setup", place, request)))
        self.assertEqual(netns.links(), ["lo"])
        self.assertTrue(wait_until(lambda: not self.pids_of("wireguard4netns"), 3))


if __name__ == "__main__":
    harness.main()
