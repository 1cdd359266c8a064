"""Our program in the place of pasta, called with the very words of Podman 5 and RootlessKit 2."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import harness_path  # noqa: F401  isort: skip

import harness
from beyond import Beyond
from engine_case import EngineCase, fetch, free_tcp_port
from fixtures import THEIRS
from namespaces import HERE
from pasta import Engine, Netns
from processes import assert_only, background, descendants, read_line, wait_until
from program import program_environment

DNS = "169.254.1.1"
SERVICES = str(HERE / "services.py")


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def container(netns: Netns, *ports: str, ours: tuple[str, ...] = ()) -> list[str]:
    """As Podman >= 5 starts it for a container."""
    none = [] if ports else ["-t", "none", "-u", "none"]
    return [
        "--config-net",
        *ours,
        *ports,
        *("--dns-forward", DNS),
        *none,
        *("-T", "none", "-U", "none"),
        *("--no-map-gw", "--quiet", "--netns", str(netns.path)),
        *("--map-guest-addr", "169.254.1.2"),
    ]


def rootlesskit(*target: str) -> list[str]:
    """As RootlessKit >= 2.3 starts it."""
    return [
        *("--stderr", "--ns-ifname=tap0", "--mtu=65520", "--config-net"),
        *("--address=10.0.2.100", "--netmask=24", "--gateway=10.0.2.2"),
        *("--dns-forward=10.0.2.3", "--no-map-gw"),
        *("--tcp-ports=none", "--udp-ports=none", "--host-lo-to-ns-lo"),
        *target,
    ]


class PastaCase(EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.beyond = Beyond(self)
        self.conf = str(self.scratch.file("vpn.conf", self.beyond.configs[0]))
        self.engine = self.enterContext(Engine(self.scratch))
        self.known = {entry.pid for entry in descendants()}
        self.addCleanup(self.end_all)

    def end_all(self) -> None:
        for pid in self.ours():
            os.kill(pid, signal.SIGTERM)

    def pasta(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        environment = {"WIREGUARD4NETNS_CONFIG": self.conf} | environment
        return self.engine.run(str(self.engine.pasta), *arguments, **environment)

    def start(self, *arguments: str) -> int:
        """The process that serves, once the one that was started has ended well."""
        started = self.pasta(*arguments)
        self.assertEqual(started.returncode, 0, started.stdout)
        if "--quiet" in arguments:
            self.assertEqual(started.stdout, "")
        (pid,) = self.ours()
        return pid

    def ours(self) -> list[int]:
        """Those that serve: children of nobody but us, who adopt orphans."""
        return [
            entry.pid
            for entry in descendants()
            if entry.name == "pasta" and entry.parent == os.getpid() and entry.state != "Z"
        ]

    def netns(self, name: str = "netns-1", dns: str = DNS) -> Netns:
        netns = self.engine.netns(name)
        netns.resolv_conf.write_text(f"nameserver {dns}\n")
        return netns

    def assert_ended(self, seconds: float = 5) -> None:
        assert_only(self.known, seconds)

    def assert_links(self, netns: Netns, *names: str) -> None:
        """In a moment: a process of several threads has ended before the last of them has."""
        self.assertTrue(wait_until(lambda: netns.links() == list(names), 3), netns.links())

    def end(self, *pids: int) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        self.assertTrue(wait_until(lambda: not set(pids) & set(self.ours()), 5))

    def service(self, netns: Netns, *words: object) -> None:
        read_line(self.enterContext(netns.serve(SERVICES, *map(str, words))))
        self.known |= {entry.pid for entry in descendants() if entry.name == "python3"}

    def web_server(self, netns: Netns, port: int = 8080) -> None:
        www = self.scratch.folder / "00-www"
        www.mkdir(exist_ok=True)
        (www / "index.html").write_text("inside")
        command = ("busybox", "httpd", "-f", "-p", str(port), "-h", str(www))
        self.enterContext(background(netns.command(*command)))


class Container(PastaCase):
    def test_addresses_are_there_at_once_and_traffic_takes_the_tunnel(self) -> None:
        netns = self.netns()
        pid = self.start(*container(netns))
        addresses = netns.run("ip", "-o", "address", "show", "scope", "global")
        self.assertIn(f"{self.beyond.addresses[0]}/32", addresses)
        self.assertIn(f"{self.beyond.addresses6[0]}/128", addresses)
        self.assert_tunnelled(self.beyond, netns.inside)
        os.kill(pid, signal.SIGTERM)
        self.assert_ended()
        self.assert_links(netns, "lo")

    def test_published_ports(self) -> None:
        netns, tcp, udp = self.netns(), free_tcp_port(), free_udp_port()
        self.web_server(netns)
        self.service(netns, "udp-echo", "0.0.0.0", 5353)
        ports = ("-t", f"127.0.0.1/{tcp}-{tcp}:8080-8080", "-u", f"{udp}-{udp}:5353-5353")
        self.start(*container(netns, *ports))
        self.assert_published(tcp)
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family, socket.SOCK_DGRAM) as client:
                client.settimeout(5)
                client.sendto(b"hello", (address, udp))
                self.assertTrue(client.recv(100).endswith(b"hello"))

    def test_a_port_without_an_address_is_on_both_loopbacks(self) -> None:
        netns, port = self.netns(), free_tcp_port()
        self.web_server(netns)
        self.start(*container(netns, "-t", f"{port}:8080"))
        self.assert_published(port)
        self.assertEqual(fetch(port, "::1"), "inside")

    def test_a_service_on_loopback_alone_is_not_published_unless_asked_for(self) -> None:
        netns, port = self.netns(), free_tcp_port()
        self.service(netns, "echo", "127.0.0.1", 7)
        pid = self.start(*container(netns, "-t", f"{port}:7"))
        with self.assertRaises(ConnectionResetError):
            with socket.create_connection(("127.0.0.1", port), 5) as client:
                client.recv(1)
        self.end(pid)
        self.start(*container(netns, "-t", f"{port}:7", ours=("--host-lo-to-ns-lo",)))
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            client.sendall(b"hello")
            self.assertEqual(client.recv(100), b"hello")

    def test_options_of_ours_come_with_the_network(self) -> None:
        """--network pasta:--profile,blue and pasta:--config,FILE"""
        folder = self.scratch.folder / ".config/wireguard4netns/profiles"
        folder.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, self.scratch.folder / ".config")
        (folder / "blue.conf").write_text(self.beyond.configs[0])
        (folder / "blue.conf").chmod(0o600)
        for ours in (("--profile", "blue"), ("--config", os.path.relpath(self.conf, self.engine.folder))):
            netns = self.netns(ours[0])
            started = self.pasta(*container(netns, ours=ours), WIREGUARD4NETNS_CONFIG="/nowhere")
            self.assertEqual((started.returncode, started.stdout), (0, ""))
            self.assert_resolves(self.beyond, netns.inside)
            self.end(*self.ours())

    def test_it_ends_when_the_namespaces_path_is_unlinked(self) -> None:
        one, port = self.netns("netns-1"), free_tcp_port()
        other = self.netns("netns-2")
        self.start(*container(one, "-t", f"127.0.0.1/{port}:8080"))
        other.delete()
        time.sleep(0.3)
        self.assertEqual(len(self.ours()), 1, "another path is not ours")
        one.delete()
        self.assert_ended()
        self.assertEqual(fetch(port), "")

    def test_killed_it_takes_everything_down(self) -> None:
        netns, port = self.netns(), free_tcp_port()
        pid = self.start(*container(netns, "-t", f"{port}:8080"))
        self.assert_tunnelled(self.beyond, netns.inside)
        os.kill(pid, signal.SIGKILL)
        self.assert_ended()
        self.assert_links(netns, "lo")
        self.assertNotEqual(netns.run("ip", "route", "get", THEIRS, check=False)[:1], "1")

    def test_a_port_that_its_predecessor_is_about_to_free(self) -> None:
        """podman restart starts the next one while the last one ends."""
        netns, port = self.netns(), free_tcp_port()
        with socket.create_server(("127.0.0.1", port)) as busy:
            threading.Timer(0.5, busy.close).start()
            self.start(*container(netns, "-t", f"127.0.0.1/{port}:8080"))
        self.web_server(netns)
        self.assert_published(port)


class Errors(PastaCase):
    def refused(self, netns: Netns, *arguments: str, **environment: str) -> str:
        failed = self.pasta(*arguments, **environment)
        self.assertEqual(failed.returncode, 1)
        self.assert_ended()
        self.assert_links(netns, "lo")
        return failed.stdout

    def test_what_cannot_be_is_an_error_and_leaves_nothing(self) -> None:
        netns, port = self.netns(), free_tcp_port()
        for arguments, words in (
            (["--new-in-pasta"], "unrecognized option '--new-in-pasta'"),
            (["--new-in-pasta=1"], "unrecognized option '--new-in-pasta=1'"),
            (["-t", "80x"], "-t 80x"),
            (["-T", "auto"], "--tcp-ns"),
            (["--config", "/no/such.conf"], "/no/such.conf"),
            (["-t", f"127.0.0.1/{port}"], f"127.0.0.1:{port}/tcp"),
            (["1234"], "one network namespace"),
            (["--dns-forward", "none"], "--dns-forward none"),
            (["--pid", "/no/such/pid"], "/no/such/pid"),
        ):
            with self.subTest(arguments=arguments), socket.create_server(("127.0.0.1", port)):
                said = self.refused(netns, "--quiet", "--netns", str(netns.path), *arguments)
                self.assertIn(words, said)

    def test_no_namespace(self) -> None:
        netns = self.netns()
        self.assertIn("one network namespace", self.refused(netns, "--quiet"))
        self.assertIn("/no/netns", self.refused(netns, "--netns", "/no/netns"))

    def test_version(self) -> None:
        for arguments in (["--version"], ["--host-lo-to-ns-lo", "--version"]):
            shown = self.pasta(*arguments)
            self.assertEqual(shown.returncode, 0)
            self.assertIn("wireguard4netns version", shown.stdout)


class Bridge(PastaCase):
    def test_pid_file_end_and_restart_in_the_furnished_namespace(self) -> None:
        netns, file = self.netns("rootless-netns"), self.engine.folder / "pasta.pid"
        netns.run("ip", "link", "add", "podman1", "type", "bridge")
        netns.run("ip", "address", "add", "10.89.0.1/24", "dev", "podman1")
        netns.run("ip", "link", "set", "podman1", "up")
        for signum in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
            pid = self.start(*container(netns, ours=("--pid", str(file))))
            self.assertEqual(int(file.read_text()), pid)
            self.assertEqual(os.getsid(pid), pid)
            self.assertEqual(Path(f"/proc/{pid}/cwd").readlink(), Path("/"))
            self.assert_tunnelled(self.beyond, netns.inside)
            os.kill(pid, signum)
            self.assert_ended()
            self.assert_links(netns, "lo", "podman1")


class Kit(PastaCase):
    """RootlessKit's forms: a namespace by a process, or detached."""

    def test_a_process(self) -> None:
        target = self.namespace()
        self.known.add(target.pid)
        started = subprocess.run(
            [str(self.engine.pasta), *rootlesskit(str(target.pid))],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=20,
            check=False,
            env=program_environment(self.scratch, WIREGUARD4NETNS_CONFIG=self.conf),
        )
        self.assertEqual(started.returncode, 0, started.stdout)
        addresses = target.ip("-o address show tap0")
        self.assertIn("10.0.2.100/32", addresses)
        self.assertIn(self.beyond.addresses[0], addresses)
        self.assertIn("10.0.2.3 dev tap0", target.ip("route"))
        self.assert_pings(target, THEIRS, count=1)
        target.__exit__()
        self.assert_ended()

    def test_a_detached_namespace(self) -> None:
        netns = self.netns("netns", "10.0.2.3")
        holder = self.engine.holder_pid
        path = f"/proc/{holder}/root{netns.path}"
        self.start(*rootlesskit(f"--userns=/proc/{holder}/ns/user", f"--netns={path}"))
        self.assert_tunnelled(self.beyond, netns.inside)
        netns.delete()
        self.assert_ended()

    def test_ipv4_only(self) -> None:
        netns = self.netns("netns", "10.0.2.3")
        self.start(*rootlesskit("--ipv4-only", f"--netns={netns.path}"))
        self.assertEqual(netns.run("ip", "-6", "address", "show", "scope", "global"), "")
        self.assert_resolves(self.beyond, netns.inside)

    def test_ports_follow_what_the_namespace_listens_on(self) -> None:
        """The implicit port driver, --tcp-ports=auto --udp-ports=auto: nothing listens at the start."""
        netns, tcp, udp = self.netns("netns", "10.0.2.3"), free_tcp_port(), free_udp_port()
        words = [word for word in rootlesskit(f"--netns={netns.path}") if "-ports=" not in word]
        self.start(*words, "--tcp-ports=auto", "--udp-ports=auto")
        time.sleep(1.5)  # it has nothing to do, and sleeps
        for _ in range(2):
            with self.serving(netns, "echo", "0.0.0.0", tcp), self.serving(netns, "udp-echo", "0.0.0.0", udp):
                self.assertTrue(wait_until(lambda: self.answers(tcp), 5))
                self.assertTrue(wait_until(lambda: self.answers_udp(udp), 5))
            self.assertTrue(wait_until(lambda: not self.listens(tcp), 5))
            self.assertTrue(wait_until(lambda: not self.is_bound(udp), 5))

    @contextlib.contextmanager
    def serving(self, netns: Netns, *words: object):
        with netns.serve(SERVICES, *map(str, words)) as service:
            read_line(service)
            yield

    @staticmethod
    def listens(port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    @staticmethod
    def is_bound(port: int) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                return True
        return False

    @staticmethod
    def answers(port: int, address: str = "127.0.0.1") -> bool:
        with contextlib.suppress(OSError):
            with socket.create_connection((address, port), 1) as client:
                client.sendall(b"hello")
                return client.recv(100) == b"hello"
        return False

    @staticmethod
    def answers_udp(port: int, address: str = "127.0.0.1") -> bool:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client, contextlib.suppress(OSError):
            client.settimeout(1)
            client.sendto(b"hello", (address, port))
            return client.recv(100).endswith(b"hello")
        return False

    def test_a_tap_that_is_set_up_at_the_same_time(self) -> None:
        """RootlessKit 2.0 to 2.2: it waits for nobody, and must not find its TAP gone."""
        netns = self.netns("netns", "10.0.2.3")
        netns.run("ip", "tuntap", "add", "name", "tap0", "mode", "tap")
        old = [*rootlesskit("--foreground", "--no-dhcp", "--no-ra", f"--netns={netns.path}")]
        command = self.engine.command(str(self.engine.pasta), *old)
        environment = program_environment(self.scratch, WIREGUARD4NETNS_CONFIG=self.conf)
        with background(command, env=environment) as running:
            for arguments in (
                "link set tap0 up",
                "link set tap0 mtu 65520",
                "address add 10.0.2.100/24 dev tap0",
                "route add default via 10.0.2.2 dev tap0",
            ):
                time.sleep(0.1)
                netns.run("ip", *arguments.split())
            self.assertTrue(wait_until(lambda: self.is_tunnelled(netns), 5))
            self.assert_tunnelled(self.beyond, netns.inside)
            self.assertIsNone(running.poll())

    def is_tunnelled(self, netns: Netns) -> bool:
        return self.beyond.addresses[0] in netns.run("ip", "address", "show", "tap0", check=False)


if __name__ == "__main__":
    harness.main()
