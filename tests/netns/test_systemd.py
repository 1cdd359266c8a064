"""As a service: the notifications to systemd, and the units, without a systemd."""

import configparser
import contextlib
import json
import os
import re
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import harness
from echo import echo
from fixtures import THEIRS, LoopbackPeer
from namespaces import HERE, PYTHON, Namespace, World
from processes import PATIENCE_S, background, read_line, wait_until
from program import bindir, program_environment
from wireguard import Config, Identity, end_to_end

SO_TIMESTAMPNS = 35  # Python does not have it
TREE = HERE.parent.parent
UNITS = TREE / "examples" / "systemd"
INSTALLED = TREE / harness.UNIT


class Manager:
    """Stands for systemd at the other end of $NOTIFY_SOCKET; `name` as that variable has it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.said_at = 0.0  # when that was sent which was heard last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        if not self.name.startswith("@"):
            Path(self.name).unlink()

    def hear(self, seconds: float = PATIENCE_S) -> str:
        """The next notification; empty if there is none."""
        if not select.select([self._socket], [], [], seconds)[0]:
            return ""
        said, told_beside, _, _ = self._socket.recvmsg(4096, 256)
        for _, kind, data in told_beside:
            if kind == SO_TIMESTAMPNS:
                whole, nanos = struct.unpack("qq", data)
                self.said_at = whole + nanos * 1e-9
            elif kind == socket.SCM_RIGHTS:  # a barrier: closed, it is passed
                os.close(struct.unpack("i", data)[0])
        return said.decode()

    def fill(self) -> None:
        """Until there is no room in the queue."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(self._socket.getsockname())
            with contextlib.suppress(BlockingIOError):
                while client.send(b"X=1\n"):
                    pass

    def hear_until(self, line: str, seconds: float = PATIENCE_S) -> bool:
        deadline = time.monotonic() + seconds
        while said := self.hear(max(0, deadline - time.monotonic())):
            if line in said.splitlines():
                return True
        return False


def with_environment(**variables: str) -> list[str]:
    return ["env", *(f"{name}={value}" for name, value in variables.items())]


class Notify(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.peer = LoopbackPeer(self)
        self.target = self.namespace()

    def manager(self, name: str | None = None) -> Manager:
        return self.enterContext(Manager(name or str(self.scratch.folder / "notify")))

    def test_ready_and_stopping(self) -> None:
        for name in (None, f"@wg4-test-{os.getpid()}"):
            with self.subTest(name=name):
                manager = self.manager(name)
                prefix = with_environment(NOTIFY_SOCKET=manager.name)
                wg4 = self.wg4(self.target, self.peer.config, prefix=prefix)
                said = manager.hear().splitlines()
                self.assertEqual(said[0], "READY=1")
                self.assertRegex(said[1], r"^STATUS=wg0 in process \d+, MTU 1420, UDP port \d+$")
                self.assert_confined(wg4.pid)
                wg4.process.send_signal(signal.SIGTERM)
                wg4.expect_end(0)
                self.assertEqual(manager.hear(), "STOPPING=1\n")
                self.assertEqual(manager.hear(0), "")

    def test_watchdog_only_if_asked_for(self) -> None:
        manager = self.manager()
        prefix = with_environment(NOTIFY_SOCKET=manager.name, WATCHDOG_USEC="400000")
        wg4 = self.wg4(self.target, self.peer.config, prefix=prefix)
        self.assertTrue(manager.hear_until("READY=1"))
        ready = manager.said_at
        for _ in range(5):
            self.assertEqual(manager.hear(), "WATCHDOG=1\n")
        self.assertGreater(manager.said_at - ready, 0.7, "twice in the time, and not more often")
        wg4.process.send_signal(signal.SIGSTOP)
        self.assertTrue(wait_until(lambda: wg4.status_field("State").startswith("T"), 5))
        while manager.hear(0):
            pass
        self.assertEqual(manager.hear(1), "", "a loop that stands still says so by silence")
        wg4.process.send_signal(signal.SIGCONT)
        self.assertTrue(manager.hear_until("WATCHDOG=1"))
        wg4.stop()
        self.assertTrue(manager.hear_until("STOPPING=1"))

        prefix = with_environment(
            NOTIFY_SOCKET=manager.name, WATCHDOG_USEC="100000", WATCHDOG_PID="1"
        )
        self.wg4(self.target, self.peer.config, prefix=prefix)
        self.assertTrue(manager.hear_until("READY=1"))
        self.assertEqual(manager.hear(0.5), "")

    def test_reloading(self) -> None:
        """Begun with the time on the clock that the manager compares it with, and ended."""
        manager = self.manager()
        prefix = with_environment(NOTIFY_SOCKET=manager.name)
        wg4 = self.wg4(self.target, self.peer.config, prefix=prefix)
        self.assertTrue(manager.hear_until("READY=1"))
        for _ in range(2):
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            wg4.process.send_signal(signal.SIGHUP)
            said = manager.hear().splitlines()
            self.assertEqual(said[0], "RELOADING=1")
            name, _, usec = said[1].partition("=")
            self.assertEqual(name, "MONOTONIC_USEC")
            self.assertTrue(before <= int(usec) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
            self.assertEqual(manager.hear(), "READY=1\n")
        self.assert_pings(self.target, THEIRS)

    def test_deaf_manager_holds_nothing_up(self) -> None:
        """It never reads, and its queue is full."""
        manager = self.manager()
        prefix = with_environment(NOTIFY_SOCKET=manager.name, WATCHDOG_USEC="2000")
        wg4 = self.wg4(self.target, self.peer.config, prefix=prefix)
        manager.fill()
        self.assert_pings(self.target, THEIRS)
        wg4.stop()

    def test_speaks_for_itself_alone(self) -> None:
        """Below a service that is something else, a container engine say."""
        manager = self.manager()
        below = with_environment(NOTIFY_SOCKET=manager.name, SYSTEMD_EXEC_PID="1")
        self.wg4(self.target, self.peer.config, prefix=below).stop()
        self.assertEqual(manager.hear(0.2), "")

    def test_wrong_environment(self) -> None:
        manager = self.manager()
        for environment, complaint in (
            ({"NOTIFY_SOCKET": "notify"}, "NOTIFY_SOCKET notify is neither"),
            ({"NOTIFY_SOCKET": str(self.scratch.folder / "none")}, "No such file"),
            ({"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "soon"}, "WATCHDOG_USEC soon"),
        ):
            with self.subTest(complaint):
                conf = self.scratch.file("wg0.conf", self.peer.config.for_wg_quick())
                done = subprocess.run(
                    [
                        str(bindir() / "wireguard4netns"),
                        str(self.target.pid),
                        "wg0",
                        str(conf),
                    ],
                    env=program_environment(self.scratch, **environment),
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE_S,
                )
                self.assertEqual(done.returncode, 1)
                self.assertIn(complaint, done.stderr)
                self.assertEqual(self.target.links(), ["lo"])

    def test_levels_for_the_journal(self) -> None:
        config = self.peer.config.for_wg_quick().replace("[Peer]", "DNS = 192.0.2.53\n[Peer]", 1)
        with_level = re.compile(r"^<([467])>wireguard4netns: (warning: |debug: |)")
        for is_journal in (True, False):
            with self.subTest(is_journal=is_journal):
                log = self.scratch.file("journal.log")
                place = log.stat()
                stream = f"{place.st_dev}:{place.st_ino + (0 if is_journal else 1)}"
                # env(1) starts the shell, and that the program, with the log as its stderr.
                prefix = [
                    *with_environment(JOURNAL_STREAM=stream),
                    *("sh", "-c", f'exec "$@" 2>{log}', "sh"),
                ]
                self.wg4(self.target, config, prefix=prefix, options=["--log-level=debug"]).stop()
                lines = log.read_text().splitlines()
                found = {match.groups() for line in lines if (match := with_level.match(line))}
                expected = (
                    {("4", "warning: "), ("6", ""), ("7", "debug: ")} if is_journal else set()
                )
                self.assertEqual(found, expected, lines)


class Unit:
    """A unit file as systemd reads it, for instance `name`."""

    def __init__(self, file: Path, name: str, runtime: Path) -> None:
        parser = configparser.ConfigParser(
            interpolation=None, strict=False, delimiters=("=",), comment_prefixes=("#",)
        )
        parser.optionxform = str  # keys are case-sensitive
        parser.read_string(re.sub(r"\\\n\s*", " ", file.read_text()))
        self.service: Mapping[str, str] = parser["Service"]
        self._specifiers = {"%i": name, "%t": str(runtime), "@CMAKE_INSTALL_FULL_BINDIR@": str(bindir())}

    def value(self, key: str) -> str:
        text = self.service[key]
        for specifier, value in self._specifiers.items():
            text = text.replace(specifier, value)
        return text

    def command(self, key: str = "ExecStart") -> list[str]:
        return [word.replace("$$", "$") for word in shlex.split(self.value(key))]


class Units(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.starts = 0
        for folder in (".config", "wireguard4netns", "systemd"):
            self.addCleanup(shutil.rmtree, self.scratch.folder / folder, True)

    def unit(self, file: str | Path) -> Unit:
        return Unit(UNITS / file, "work", self.scratch.folder)

    def start(
        self, unit: Unit, last: str = "READY=1", where: Namespace | None = None, **environment: str
    ) -> subprocess.Popen[bytes]:
        """Runs the unit's command until the end of the test; returns when it has said `last`."""
        self.starts += 1
        name = self.scratch.folder / f"notify-{self.starts}"
        self.manager = self.enterContext(Manager(str(name)))
        environment = program_environment(self.scratch, NOTIFY_SOCKET=self.manager.name, **environment)
        environment["PATH"] = f"{bindir()}:{environment['PATH']}"
        command = where.command(*unit.command()) if where else unit.command()
        log = self.enterContext(self.scratch.file("unit.log").open("w"))
        process = self.enterContext(background(command, env=environment, stderr=log))
        self.assertTrue(self.manager.hear_until(last), command)
        return process

    def profile(self, config: Config) -> None:
        """The profile `work`."""
        profiles = self.scratch.folder / ".config" / "wireguard4netns" / "profiles"
        profiles.mkdir(parents=True)
        (profiles / "work.conf").write_text(config.for_wg_quick())
        (profiles / "work.conf").chmod(0o600)

    def log(self) -> str:
        return max(self.scratch.folder.glob("*-unit.log")).read_text()

    def call(self, *words: str, where: Namespace | None = None) -> subprocess.CompletedProcess[str]:
        argv = [str(bindir() / "wireguard4netns"), *words]
        return subprocess.run(
            where.command(*argv) if where else argv,
            env=program_environment(self.scratch),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    def reaches(self, address: str, where: Namespace | None = None) -> bool:
        return self.call("exec", "work", "--", "ping", "-c1", "-W2", address, where=where).returncode == 0

    def expect_gone(self) -> None:
        self.assertEqual(self.call("ps").stdout, "")

    def test_namespace_and_tunnel(self) -> None:
        peer = LoopbackPeer(self)
        self.profile(peer.config)
        namespace = self.unit("wireguard4netns-netns@.service")
        place = self.scratch.folder / namespace.value("RuntimeDirectory")
        place.mkdir(parents=True)
        self.start(namespace, "BARRIER=1", RUNTIME_DIRECTORY=str(place))
        enter = ["nsenter", f"--user={place}/user", f"--net={place}/net", "--preserve-credentials"]

        def inside(*argv: str) -> str:
            return subprocess.run(
                [*enter, *argv], capture_output=True, text=True, timeout=PATIENCE_S, check=True
            ).stdout

        for _ in range(2):  # the namespace outlives the tunnel
            self.assertNotIn("wg0", inside("ip", "link"))
            tunnel = self.start(self.unit("wireguard4netns-attach@.service"))
            self.assert_confined(tunnel.pid)
            pinged = echo([f"{place}/user", f"{place}/net"], THEIRS, 5, wait=PATIENCE_S)
            self.assertEqual(pinged.received, 5, pinged.text)
            tunnel.terminate()
            self.assertEqual(tunnel.wait(PATIENCE_S), 0)
            self.assertTrue(wait_until(lambda: "wg0" not in inside("ip", "link"), 3))

    def test_tunnel_for_commands(self) -> None:
        """The unit that is installed: how it begins, reloads, and ends in each of the ways that there are."""
        self.profile(LoopbackPeer(self).config)
        unit = self.unit(INSTALLED)

        service = self.start(unit)
        self.assertTrue(wait_until(lambda: self.reaches(THEIRS), 5))
        subprocess.run(unit.command("ExecReload"), env=program_environment(self.scratch), check=True)
        sleeper = self.enterContext(
            background([str(bindir() / "wireguard4netns"), "exec", "work", "--", "sleep", "inf"],
                       env=program_environment(self.scratch))
        )
        self.assertTrue(wait_until(lambda: " sleep" in self.call("ps").stdout, 3))
        service.terminate()
        self.assertEqual(service.wait(PATIENCE_S), 0, self.log())
        self.assertTrue(self.manager.hear_until("STOPPING=1"))
        self.assertEqual(sleeper.wait(PATIENCE_S), 128 + signal.SIGTERM)
        self.expect_gone()

        service = self.start(unit)
        self.assertEqual(self.call("down", "work").returncode, 0)
        self.assertEqual(service.wait(PATIENCE_S), 0, self.log())
        self.assertTrue(self.manager.hear_until("STOPPING=1"))
        self.expect_gone()

        service = self.start(unit)
        tunnel = json.loads(self.call("ps", "--json").stdout)["work"]["tunnel"]
        self.scratch.killed = True
        os.kill(tunnel, signal.SIGKILL)
        self.assertEqual(service.wait(PATIENCE_S), 1)
        self.assertIn("the tunnel work has ended by itself", self.log())
        self.expect_gone()

        service = self.start(unit)
        os.kill(json.loads(self.call("ps", "--json").stdout)["work"]["keeper"], signal.SIGKILL)
        self.assertEqual(service.wait(PATIENCE_S), 1)
        self.assertIn("the keeper of the tunnel has ended", self.log())

        service = self.start(unit)  # in the place of what was killed
        self.assertTrue(wait_until(lambda: self.reaches(THEIRS), 5))
        service.terminate()
        self.assertEqual(service.wait(PATIENCE_S), 0, self.log())

    def test_start_before_the_network(self) -> None:
        """No DNS server at first, then one that does not know the peer's name, and at last the address."""
        world = self.enterContext(World())
        ours, theirs = Identity(), Identity()
        config = end_to_end(theirs, ours, 2)
        config.port = 5002
        self.wireguard_go(world.far, config)
        self.profile(end_to_end(ours, theirs, 1, endpoint="vpn.example:5002"))
        etc = self.scratch.folder / "00-etc"
        etc.mkdir()
        (etc / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        (etc / "nsswitch.conf").write_text("hosts: files dns\n")
        (etc / "hosts").write_text("127.0.0.1 localhost\n")
        world.host.run("mount", "--bind", str(etc), "/etc")

        service = self.start(self.unit(INSTALLED), where=world.host)
        self.assertIn("no address for vpn.example:5002 yet; trying on", self.log())
        address = self.scratch.folder / "00-address"
        server = self.enterContext(
            world.host.background(PYTHON, str(HERE / "services.py"), "names", "127.0.0.1", "53", str(address))
        )
        read_line(server)
        self.assertFalse(self.reaches(THEIRS, world.host))
        self.assertIsNone(service.poll(), self.log())
        new = self.scratch.folder / "00-new-address"
        new.write_text(World.FAR)
        new.rename(address)
        self.assertTrue(wait_until(lambda: self.reaches(THEIRS, world.host), 30), self.log())
        service.terminate()
        self.assertEqual(service.wait(PATIENCE_S), 0, self.log())

    def test_verified(self) -> None:
        """Every key is one that systemd knows, every command one that can be found."""
        folder = self.scratch.folder / "wireguard4netns"
        folder.mkdir()
        for file in (*UNITS.glob("*.service"), UNITS / INSTALLED):
            text = file.read_text().replace("@CMAKE_INSTALL_FULL_BINDIR@", str(bindir()))
            program = str(bindir() / "wireguard4netns")
            (folder / file.name.removesuffix(".in").replace("@", "@work")).write_text(
                re.sub("Documentation=man:.*\n", "", text).replace("ExecStart=wireguard4netns", f"ExecStart={program}")
            )
        done = subprocess.run(
            [
                "systemd-analyze",
                "--user",
                "verify",
                *(str(file) for file in folder.iterdir()),
            ],
            env=program_environment(self.scratch),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


if __name__ == "__main__":
    harness.main()
