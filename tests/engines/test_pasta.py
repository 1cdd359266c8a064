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
from processes import PATIENCE_S, assert_only, background, descendants, read_line, wait_until
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


def rootlesskit_2_0(*target: str) -> list[str]:
    """As RootlessKit 2.0 to 2.2 starts it, with --port-driver=implicit; its child sets up the TAP itself."""
    return [
        *("--foreground", "--stderr", "--ns-ifname=tap0", "--mtu=65520", "--no-dhcp", "--no-ra"),
        *("--address=10.0.2.100", "--netmask=24", "--gateway=10.0.2.2", "--dns-forward=10.0.2.3"),
        *("--no-map-gw", "--ipv4-only", "--tcp-ports=auto", "--udp-ports=auto"),
        *target,
    ]


# The commands of RootlessKit's child, word by word; any failure ends it.
CHILD = (
    "ip link set tap0 up",
    "ip link set dev tap0 mtu 65520",
    "ip addr add 10.0.2.100/24 dev tap0",
    "ip route add default via 10.0.2.2 dev tap0",
)


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
        """Background processes: their only parent is this process, which adopts orphans."""
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
        for family in ("-4", "-6"):  # images look for one
            default = netns.run("ip", family, "route", "show", "default")
            self.assertRegex(default, "^default dev wg0 ")
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
                client.settimeout(PATIENCE_S)
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
            with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as client:
                client.recv(1)
        self.end(pid)
        self.start(*container(netns, "-t", f"{port}:7", ours=("--host-lo-to-ns-lo",)))
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as client:
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

    def test_an_impossible_request_is_an_error_and_leaves_nothing(self) -> None:
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
            (["--netmask", "33"], "--netmask 33"),
            (["--netmask", "255.0.255.0"], "--netmask 255.0.255.0"),
            (["--gateway", "router"], "--gateway router"),
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
            timeout=PATIENCE_S,
            check=False,
            env=program_environment(self.scratch, WIREGUARD4NETNS_CONFIG=self.conf),
        )
        self.assertEqual(started.returncode, 0, started.stdout)
        addresses = target.ip("-o address show tap0")
        self.assertIn("10.0.2.100/24", addresses)
        self.assertIn(self.beyond.addresses[0], addresses)
        self.assertIn("10.0.2.3 dev tap0", target.ip("route"))
        self.assertRegex(target.ip("route show default"), "^default via 10.0.2.2 dev tap0 ")
        self.assertRegex(target.ip("-6 route show default"), "^default dev tap0 ")
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

    def test_addresses_and_gateways_of_both_families(self) -> None:
        netns = self.netns("netns", "10.0.2.3")
        asked = ["--address", "10.8.0.9", "--netmask=255.255.0.0", "-a", "fd08::9"]
        gateways = ["--gateway=10.8.0.1", "-g", "fd08::1"]
        self.start(*asked, *gateways, "--dns-forward=10.0.2.3", f"--netns={netns.path}")
        addresses = netns.run("ip", "-o", "address", "show", "dev", "wg0")
        self.assertIn("10.8.0.9/16", addresses)
        self.assertIn("fd08::9/128", addresses)
        for family, gateway in (("-4", "10.8.0.1"), ("-6", "fd08::1")):
            default = netns.run("ip", family, "route", "show", "default")
            self.assertRegex(default, f"^default via {gateway} dev wg0 ")
        self.assert_tunnelled(self.beyond, netns.inside)

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

    def test_ports_of_the_loopback_interface(self) -> None:
        """--host-lo-to-ns-lo, which RootlessKit 2.3 passes."""
        netns = self.netns("netns", "10.0.2.3")
        words = [word for word in rootlesskit(f"--netns={netns.path}") if "-ports=" not in word]
        self.start(*words, "--tcp-ports=auto", "--udp-ports=auto")
        for address in ("127.0.0.1", "::1", "0.0.0.0", "::"):
            with self.subTest(address=address):
                tcp, udp = free_tcp_port(), free_udp_port()
                self.service(netns, "echo", address, tcp)
                self.service(netns, "udp-echo", address, udp)
                for host in ("127.0.0.1", "::1"):
                    self.assertTrue(wait_until(lambda: self.answers(tcp, host), 5))
                    self.assertTrue(wait_until(lambda: self.answers_udp(udp, host), 5))

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


class RacedTap(PastaCase):
    """RootlessKit 2.0 to 2.2 does not wait: its child sets up the TAP while we replace it by a TUN."""

    def race(self, *child: str, ahead: float = 0) -> None:
        """Runs commands, none of which may fail, `ahead` of our program, and checks their settings."""
        netns = self.netns("netns", "10.0.2.3")
        netns.run("ip", "tuntap", "add", "name", "tap0", "mode", "tap")
        pasta = [str(self.engine.pasta), *rootlesskit_2_0(f"--netns={netns.path}")]
        environment = program_environment(self.scratch, WIREGUARD4NETNS_CONFIG=self.conf)
        racer = netns.command("sh", "-eu", "-c", "\n".join(child))
        racing: subprocess.Popen[bytes] | None = None
        order = [(racer, {"PATH": os.environ["PATH"]}), (self.engine.command(*pasta), environment)]
        with contextlib.ExitStack() as stack:
            for command, variables in order if ahead > 0 else reversed(order):
                process = stack.enter_context(background(command, env=variables))
                racing = process if command is racer else racing
                time.sleep(abs(ahead))
            self.assertEqual(racing.wait(20), 0)
            self.assertTrue(wait_until(lambda: self.is_in_place(netns), 15), netns.links())
            self.assert_set_up(netns)
            self.assert_resolves(self.beyond, netns.inside)
        self.assert_ended()
        netns.delete()

    def is_in_place(self, netns: Netns) -> bool:
        addresses = netns.run("ip", "address", "show", "tap0", check=False)
        return self.beyond.addresses[0] in addresses and netns.links() == ["lo", "tap0"]

    def assert_set_up(self, netns: Netns) -> None:
        link = netns.run("ip", "-details", "link", "show", "tap0")
        self.assertRegex(link, "[<,]UP[,>].* mtu 65520 ")
        self.assertIn("tun type tun", link)
        addresses = netns.run("ip", "address", "show", "tap0")
        self.assertIn("inet 10.0.2.100/24 scope global tap0\n", addresses)
        routes = netns.run("ip", "route", "show", "default")
        self.assertRegex(routes, "^default via 10.0.2.2 dev tap0 *\n$")

    def test_before_us_with_us_and_after_us(self) -> None:
        for ahead in (0.5, 0.03, 0, -0.02, -0.04, -0.1):
            with self.subTest(ahead=ahead):
                self.race(*CHILD, ahead=ahead)

    def test_with_pauses(self) -> None:
        for pause in (0.3, 2):
            with self.subTest(pause=pause):
                self.race(f"\nsleep {pause}\n".join(CHILD))

    def test_a_pause_that_is_longer_than_we_wait(self) -> None:
        """The TUN is in place, and each command finds it."""
        for done in range(len(CHILD)):
            with self.subTest(last=CHILD[done]):
                self.race(*CHILD[:done], "sleep 4", *CHILD[done:])

    def test_words_for_a_tap_that_was_looked_up_before_it_lost_its_name(self) -> None:
        self.race(
            *CHILD[:2],
            "number() { ip -oneline link show tap0 | cut -d: -f1; }",
            "old=$(number)",
            'while [ "$(number)" = "$old" ]; do true; done',
            "ip addr add 10.0.2.100/24 dev if$old",
            CHILD[3],
        )

    def test_a_default_route_is_there_at_every_moment(self) -> None:
        """A process that starts right after the child's last command may need the name at once."""
        self.race(*CHILD, "for i in $(seq 200); do ip route show default | grep -q 'via 10.0.2.2'; done")

    def test_all_that_a_tap_can_have(self) -> None:
        more = {
            "addr add 10.5.0.1/16 broadcast 10.5.255.255 dev tap0": "inet 10.5.0.1/16 brd 10.5.255.255",
            "route add 10.6.0.0/16 via 10.5.0.9 dev tap0 metric 7": "10.6.0.0/16 via 10.5.0.9 dev tap0 metric 7",
            "route add 10.7.0.0/16 dev tap0 table 99": "10.7.0.0/16 dev tap0 table 99",
            "-6 addr add fd05::1/64 dev tap0": "inet6 fd05::1/64",
            "-6 route add fd06::/64 via fd05::9 dev tap0": "fd06::/64 via fd05::9 dev tap0",
        }
        shown = "ip address show tap0; ip route show table all; ip -6 route show table all"
        wait = "until ip -details link show tap0 | grep -q 'tun type tun'; do sleep 0.05; done; sleep 0.5"
        seen = [f"{{ {shown}; }} | grep -q '{line}'" for line in more.values()]
        self.race(*CHILD[:3], *(f"ip {words}" for words in more), CHILD[3], wait, *seen)


if __name__ == "__main__":
    harness.main()
