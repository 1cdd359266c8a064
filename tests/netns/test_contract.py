"""The interface for container engines and people: command line, ready-fd, exit-fd, signals, the end."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import time
from typing import Self

import harness
from fixtures import OURS, THEIRS, THEIRS6, LoopbackPeer
from namespaces import PYTHON, Namespace, World
from probes import ping
from processes import PATIENCE_S, is_idle, read_line, wait_until
from program import Wg4, bindir, program_environment
from scratch import Scratch
from wireguard import Identity, end_to_end, wg

# Engines look into --help for literal options.
HELP_OPTIONS = (
    "--netns-type",
    "--userns-path",
    "--configure",
    "--no-configure",
    "--exit-fd",
    "--ready-fd",
    "--mtu",
    "--config",
    "--helper",
    "--log-level",
    "--version",
    "--help",
)


def program(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(bindir() / "wireguard4netns"), *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


class Plain:
    """The program with just these arguments, ready; `fds` = numbers of exit-fd and ready-fd."""

    def __init__(
        self,
        scratch: Scratch,
        *arguments: str,
        fds: tuple[int, int] = (3, 4),
        where: Namespace | None = None,
        **environment: str,
    ) -> None:
        exit_read, self._exit_write = high_pipe()
        self._ready_read, ready_write = high_pipe()
        as_asked = f"{fds[0]}<&{exit_read} {fds[1]}>&{ready_write} {exit_read}<&- {ready_write}>&-"
        shell = ["bash", "-c", f'exec "$@" {as_asked}', "-"]
        argv = [*shell, str(bindir() / "wireguard4netns"), *arguments]
        self._log = scratch.file("plain.log")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                where.command(*argv) if where else argv,
                stdin=subprocess.DEVNULL,
                stderr=log,
                pass_fds=(exit_read, ready_write),
                env=program_environment(scratch, **environment),
            )
        os.close(exit_read)
        os.close(ready_write)
        self.status: int | None = None

    def __enter__(self) -> Self:
        with os.fdopen(self._ready_read, "rb") as ready:
            said = ready.read()
        if said != b"1":
            self.__exit__()
            raise AssertionError(f"ready-fd said {said!r}:\n{self._log.read_text()}")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._exit_write)
        self.status = self._process.wait(PATIENCE_S)


def high_pipe() -> tuple[int, int]:
    """A pipe whose numbers do not collide with the small ones that a test passes on."""
    numbers = []
    for fd in os.pipe():
        numbers.append(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100))
        os.close(fd)
    return numbers[0], numbers[1]


class CommandLine(harness.TestCase):
    def test_help_and_version(self) -> None:
        shown = program("--help")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for option in HELP_OPTIONS:
            self.assertIn(option, shown.stdout + shown.stderr)
        self.assertEqual(program("-h").returncode, 0)
        for spelling in ("--version", "-v"):
            version = program(spelling)
            self.assertEqual(version.returncode, 0, version.stderr)
            self.assertRegex(version.stdout, r"wireguard4netns.*\d+\.\d+\.\d+")

    def test_help_fits_a_screen(self) -> None:
        commands = re.findall(r"^  ([a-z][a-z-]+) +[a-z]", program("--help").stdout, re.MULTILINE)
        self.assertIn("show", commands)
        for command in ("", *(name for name in commands if name != "wg")):
            with self.subTest(command=command):
                shown = program(*command.split(), "--help")
                self.assertEqual(shown.returncode, 0, shown.stderr)
                lines = shown.stdout.splitlines()
                self.assertLessEqual(len(lines), 40)
                self.assertLessEqual(max(len(line) for line in lines), 100)

    def test_help_names_each_option_that_help_all_explains(self) -> None:
        for command in ("", "serve", "pasta", "oci-hook"):
            with self.subTest(command=command):
                short, whole = (
                    set(re.findall(r"(?<![\w-])--?[a-z0-9][a-z0-9-]*", shown.stdout))
                    for shown in (
                        program(*command.split(), "--help"),
                        program(*command.split(), "--help-all"),
                    )
                )
                self.assertIn("--mtu" if command != "serve" else "--tun-fd", whole)
                self.assertEqual(short, whole)

    def test_keys_are_those_of_wg(self) -> None:
        private = program("genkey").stdout
        self.assertRegex(private, r"^[A-Za-z0-9+/]{43}=\n$")
        self.assertEqual(
            program("pubkey", text=private).stdout.strip(), wg("pubkey", text=private)
        )
        psks = {program("genpsk").stdout for _ in range(3)}
        self.assertEqual(len(psks), 3)
        for psk in psks:
            self.assertRegex(psk, r"^[A-Za-z0-9+/]{43}=\n$")

    def test_check_prints_the_settings_and_no_key(self) -> None:
        peer = LoopbackPeer(self, psk=True)
        path = self.scratch.file("good.conf", peer.config.for_wg_quick())
        checked = program("check", str(path))
        self.assertEqual(checked.returncode, 0, checked.stderr)
        for word in ("10.77.0.1/24", "fd77::1/64", THEIRS, THEIRS6, "1420"):
            self.assertIn(word, checked.stdout)
        for secret in (peer.config.private, peer.config.peers[0].psk):
            self.assertNotIn(secret, checked.stdout + checked.stderr)


class EngineForms(harness.TestCase):
    """Against Debian's wireguard-go, as an ordinary user."""

    def setUp(self) -> None:
        super().setUp()
        self.peer = LoopbackPeer(self)
        self.target = self.namespace()

    def check_traffic(self, target: Namespace, ifname: str) -> None:
        """The target behind the peer answers, and sees the tunnel's address."""
        self.assert_pings(target, THEIRS, THEIRS6)
        with self.peer.ns.tool("listen", THEIRS, "7001") as listener:
            read_line(listener)
            target.run("bash", "-c", f"echo -n hello >/dev/udp/{THEIRS}/7001")
            self.assertIn(f'"source": "{OURS}"', read_line(listener))
        self.assertIn(ifname, target.links())

    def test_pid_tap0(self) -> None:
        wg4 = self.wg4(self.target, self.peer.config, ifname="tap0")
        self.check_traffic(self.target, "tap0")
        wg4.stop()
        self.assertEqual(self.target.links(), ["lo"])

    def test_netns_type_path_with_userns(self) -> None:
        wg4 = self.wg4(
            self.target,
            self.peer.config,
            by_path=True,
            ifname="tap0",
            options=[f"--userns-path={self.target.user_path}"],
        )
        self.check_traffic(self.target, "tap0")
        wg4.stop()
        self.assertEqual(self.target.links(), ["lo"])

    def test_netns_type_path_finds_the_user_namespace(self) -> None:
        self.wg4(self.target, self.peer.config, by_path=True)
        self.check_traffic(self.target, "wg0")

    def test_podman_fds_in_both_orders(self) -> None:
        """-e 3 -r 4 up to podman 4.5, -r 3 -e 4 after; option and value as separate words."""
        conf = self.scratch.file("env.conf", self.peer.config.for_wg_quick())
        for exit_fd, ready_fd in ((3, 4), (4, 3)):
            with self.subTest(exit_fd=exit_fd, ready_fd=ready_fd):
                arguments = (
                    f"-c -e {exit_fd} -r {ready_fd} --netns-type=path {self.target.path} tap0"
                )
                plain = Plain(
                    self.scratch,
                    *arguments.split(),
                    fds=(exit_fd, ready_fd),
                    WIREGUARD4NETNS_CONFIG=str(conf),
                )
                with plain:
                    self.check_traffic(self.target, "tap0")
                self.assertEqual(plain.status, 0)
                self.assertEqual(self.target.links(), ["lo"])

    def test_default_config_file(self) -> None:
        folder = self.scratch.folder / ".config"
        self.addCleanup(shutil.rmtree, folder)
        (folder / "wireguard4netns").mkdir(parents=True)
        conf = folder / "wireguard4netns" / "default.conf"
        conf.write_text(self.peer.config.for_wg_quick())
        conf.chmod(0o600)
        with Plain(self.scratch, "-e", "3", "-r", "4", str(self.target.pid)):
            self.check_traffic(self.target, "wg0")

    def test_ifname_and_conf_as_arguments(self) -> None:
        """`PID IFNAME CONF`."""
        conf = str(self.scratch.file("argument.conf", self.peer.config.for_wg_quick()))
        with Plain(self.scratch, "-e3", "-r4", str(self.target.pid), "wg7", conf):
            self.check_traffic(self.target, "wg7")

    def test_no_configure(self) -> None:
        """Only the device; its owner does the rest."""
        self.wg4(self.target, self.peer.config, options=["--no-configure"])
        self.assertNotIn(OURS, self.target.ip("address show dev wg0"))
        self.target.ip(f"address add {OURS}/24 dev wg0")
        self.target.ip("link set wg0 up")
        self.assert_pings(self.target, THEIRS)

    def test_interface_that_exists_is_left_to_its_owner(self) -> None:
        """A persistent TUN that someone made and configured: we attach, and it outlives us."""
        self.target.ip("tuntap add dev wg0 mode tun")
        self.target.ip(f"address add {OURS}/24 dev wg0")
        self.target.ip("link set wg0 up")
        wg4 = Wg4(self.scratch, self.target, self.peer.config)
        wg4.start()
        wg4.wait_ready()
        self.assert_pings(self.target, THEIRS)
        wg4.close_fds()
        self.assertEqual(wg4.process.wait(PATIENCE_S), 0)
        self.assertIn("wg0", self.target.links())

    def test_persistent_tap_gives_way(self) -> None:
        """RootlessKit makes a persistent TAP first, and configures what it finds after ready."""
        self.target.ip("tuntap add dev tap0 mode tap")
        self.target.ip("link set tap0 down")
        wg4 = Wg4(self.scratch, self.target, self.peer.config, ifname="tap0")
        wg4.start()
        wg4.wait_ready()
        for command in (
            "link set tap0 up",
            "link set dev tap0 mtu 65520",
            f"address add {OURS}/32 dev tap0",
            "address add 10.0.2.100/24 dev tap0",
            f"route add default via 10.0.2.2 dev tap0 src {OURS}",
        ):
            self.target.ip(command)
        self.assert_pings(self.target, THEIRS)
        wg4.close_fds()
        self.assertEqual(wg4.process.wait(PATIENCE_S), 0)
        self.assertNotIn("tap0", self.target.links())

    def test_loopback_is_brought_up(self) -> None:
        self.target.ip("link set lo down")
        wg4 = Wg4(self.scratch, self.target, self.peer.config)
        wg4.start()
        wg4.wait_ready()
        self.assert_pings(self.target, "127.0.0.1", "::1", THEIRS)
        wg4.close_fds()
        self.assertEqual(wg4.process.wait(PATIENCE_S), 0)

    def test_default_route(self) -> None:
        """AllowedIPs 0.0.0.0/0: everything goes through; the UDP socket stays outside."""
        self.peer.config.peers[0].allowed = ["0.0.0.0/0", "::/0"]
        self.wg4(self.target, self.peer.config)
        self.peer.ns.ip("address add 203.0.113.9/32 dev wg0")
        self.assert_pings(self.target, "203.0.113.9")


class Ends(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.peer = LoopbackPeer(self)
        self.target = self.namespace()

    def test_data_on_exit_fd_is_not_the_end(self) -> None:
        wg4 = self.wg4(self.target, self.peer.config)
        wg4.write_exit_fd(b"not yet")
        self.assert_pings(self.target, THEIRS)
        self.assertIsNone(wg4.process.poll())
        wg4.stop()

    def test_data_on_exit_fd_costs_no_time(self) -> None:
        """Unread data must not make the event loop spin."""
        wg4 = self.wg4(self.target, self.peer.config)
        wg4.write_exit_fd(b"x")
        self.assertTrue(wait_until(lambda: is_idle(wg4.pid), 5))

    def test_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number.name):
                wg4 = self.wg4(self.target, self.peer.config)
                self.assert_pings(self.target, THEIRS)
                wg4.process.send_signal(number)
                wg4.expect_end(0)

    def test_second_start_in_the_same_namespace(self) -> None:
        for _ in range(3):
            wg4 = self.wg4(self.target, self.peer.config, ifname="tap0")
            self.assert_pings(self.target, THEIRS, count=1)
            wg4.stop()

    def test_ends_with_the_last_process_of_the_target(self) -> None:
        with Namespace() as target:
            wg4 = Wg4(self.scratch, target, self.peer.config)
            wg4.start()
            wg4.wait_ready()
        self.assertEqual(wg4.process.wait(PATIENCE_S), 0, wg4.log.read_text())
        wg4.close_fds()

    def test_a_path_target_is_kept(self) -> None:
        """With a path there is no process to watch: no process's end ends the tunnel."""
        with Namespace() as target:
            wg4 = Wg4(self.scratch, target, self.peer.config, by_path=True)
            wg4.start()
            wg4.wait_ready()
        time.sleep(0.3)
        self.assertIsNone(wg4.process.poll())
        wg4.close_fds()
        self.assertEqual(wg4.process.wait(PATIENCE_S), 0, wg4.log.read_text())


class OtherNamespaces(harness.TestCase):
    def test_nested_user_namespace(self) -> None:
        peer = LoopbackPeer(self)
        nested = self.namespace(self.namespace())
        self.wg4(nested, peer.config)
        self.assert_pings(nested, THEIRS)

    def test_network_of_our_own_user_namespace(self) -> None:
        """Podman's case: program and container share one user namespace."""
        world = self.enterContext(World())
        container = self.namespace(world.host, own_user=False)
        ours, theirs = Identity(), Identity()
        config = end_to_end(ours, theirs, 1, endpoint=f"{world.FAR}:5002")
        far = end_to_end(theirs, ours, 2)
        far.port = 5002
        self.wireguard_go(world.far, far)
        for by_path in (False, True):
            with self.subTest(by_path=by_path):
                wg4 = self.wg4(container, config, where=world.host, by_path=by_path)
                self.assert_pings(container, THEIRS)
                wg4.stop()

    def test_bind_mounted_path(self) -> None:
        """`$XDG_RUNTIME_DIR/netns/x`, as engines pin their namespaces, without a process in it."""
        world = self.enterContext(World())
        ours, theirs = Identity(), Identity()
        config = end_to_end(ours, theirs, 1, endpoint=f"{world.FAR}:5002")
        far = end_to_end(theirs, ours, 2)
        far.port = 5002
        self.wireguard_go(world.far, far)
        world.host.run(
            "sh", "-c", "mkdir /run/netns && touch /run/netns/x && unshare --net=/run/netns/x true"
        )
        conf = str(self.scratch.file("x.conf", config.for_wg_quick()))
        arguments = f"-e 3 -r 4 --netns-type=path --config {conf} /run/netns/x"
        with Plain(self.scratch, *arguments.split(), where=world.host):
            command = [
                "nsenter",
                "--net=/run/netns/x",
                "ping",
                "-n",
                "-c",
                "3",
                "-i",
                "0.05",
                THEIRS,
            ]
            world.host.run(*command)
        self.assertNotIn(
            "wg0", world.host.run("nsenter", "--net=/run/netns/x", "ip", "link").stdout
        )

    def test_noexec_home(self) -> None:
        """The helper lies on a noexec mount and runs all the same."""
        world = self.enterContext(World())
        container = self.namespace(world.host)
        world.host.run(
            "sh",
            "-c",
            "mkdir /run/home && mount -t tmpfs -o noexec tmpfs /run/home && "
            f"cp {bindir()}/wg4netns-helper /run/home",
        )
        ours, theirs = Identity(), Identity()
        far = end_to_end(theirs, ours, 2)
        far.port = 5002
        self.wireguard_go(world.far, far)
        self.assertNotEqual(
            world.host.run("/run/home/wg4netns-helper", "--version", check=False).returncode, 0
        )
        self.wg4(
            container,
            end_to_end(ours, theirs, 1, endpoint=f"{world.FAR}:5002"),
            where=world.host,
            options=["--helper=/run/home/wg4netns-helper"],
        )
        self.assert_pings(container, THEIRS)

    def test_serve_on_a_given_tun(self) -> None:
        """`serve --tun-fd N`: the data plane alone, on a TUN that someone else made."""
        peer = LoopbackPeer(self)
        target = self.namespace()
        conf = self.scratch.file("serve.conf", peer.config.for_wg_quick())
        log = self.scratch.file("serve.log")
        maker = self.scratch.file("tun.py", TUN_MAKER)
        with log.open("w") as stream:
            process = subprocess.Popen(
                [
                    PYTHON,
                    str(maker),
                    str(target.pid),
                    str(bindir() / "wireguard4netns"),
                    str(conf),
                ],
                stderr=stream,
                env=program_environment(self.scratch),
            )
        try:
            self.assertTrue(wait_until(lambda: "wg0" in target.links(), 5), log.read_text())
            target.ip(f"address add {OURS}/24 dev wg0")
            target.ip("link set wg0 up")
            self.assertTrue(
                wait_until(lambda: ping(target, THEIRS, 1, wait=1).received, 5), log.read_text()
            )
        finally:
            process.terminate()
            status = process.wait(PATIENCE_S)
        self.assertEqual(status, 0, log.read_text())
        self.assertEqual(target.links(), ["lo"])


# Makes a plain TUN (no offloads) inside a namespace and has it served from outside.
TUN_MAKER = """
import array, ctypes, fcntl, os, socket, struct, sys
pid, program, conf = sys.argv[1:]
ours, theirs = socket.socketpair()
if os.fork() == 0:
    libc = ctypes.CDLL(None)
    files = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY) for kind in ("user", "net")]
    assert all(libc.setns(fd, 0) == 0 for fd in files)
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"wg0", 0x1001))
    socket.send_fds(theirs, [b"t"], [tun])
    os._exit(0)
_, fds, _, _ = socket.recv_fds(ours, 1, 1)
os.wait()
os.set_inheritable(fds[0], True)
os.execv(program, [program, "serve", "--tun-fd", str(fds[0]), "--config", conf])
"""


if __name__ == "__main__":
    harness.main()
