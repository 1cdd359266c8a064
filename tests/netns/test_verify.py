"""`verify`: a tunnel that is isolated, and each way out, opened by hand, by its name."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import harness
from fixtures import THEIRS
from namespaces import HERE, PYTHON
from processes import PATIENCE_S, background, read_line, wait_until
from run_case import RunCase

PROVEN, LEAK, UNKNOWN = 0, 1, 2


class VerifyCase(RunCase):
    """The tunnel of the profile `work` is up."""

    options: tuple[str, ...] = ()
    own_host = False  # the host is a namespace with a /run of ours

    def setUp(self) -> None:
        super().setUp()
        self.host = self.namespace(mount=True) if self.own_host else None
        self.known |= {self.host.pid} if self.host else set()
        if self.peer_answers:
            self.serve()
        self.assertEqual(self.call("up", *self.options, "work").returncode, 0)
        self.addCleanup(self.call, "down", "--force", "work")

    def on_host(self, *command: str) -> list[str]:
        return self.host.command(*command) if self.host else list(command)

    def argv(self, *words: str) -> list[str]:
        return self.on_host(*super().argv(*words))

    def inside(self, *command: str, **options) -> subprocess.Popen[bytes]:
        """A command in the tunnel, which has said something."""
        words = self.argv("exec", "work", "--", *command)
        process = self.enterContext(background(words, env=self.environment(), **options))
        read_line(process)
        return process

    def keeper(self) -> str:
        return str(self.tunnels()["work"]["keeper"])

    def spoil(self, *words: str) -> None:
        done = subprocess.run(
            self.on_host(PYTHON, str(HERE / "spoil.py"), self.keeper(), *words),
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)

    def checks(self, status: int) -> list[dict[str, str]]:
        done = self.call("verify", "--json", "work")
        self.assertEqual((done.returncode, done.stderr), (status, ""), done.stdout)
        said = json.loads(done.stdout)
        self.assertEqual((said["version"], said["ok"]), (1, status == PROVEN))
        return said["checks"]

    def found(self, status: int, verdict: str) -> dict[str, str]:
        """What was found of this verdict: all that was seen, by the check's name."""
        found: dict[str, str] = {}
        for check in self.checks(status):
            if check["verdict"] == verdict:
                found[check["check"]] = found.get(check["check"], "") + check["seen"] + "\n"
        return found

    def assert_leak(self, check: str, *says: str) -> None:
        """One problem, of this check, which names all that."""
        found = self.found(LEAK, "problem")
        self.assertEqual(list(found), [check], found)
        for text in says:
            self.assertIn(text, found[check])

    def listen(self, name: str) -> str:
        """A listening socket of the host's."""
        path = str(self.scratch.folder / name)
        server = self.enterContext(contextlib.closing(socket.socket(socket.AF_UNIX)))
        server.bind(path)
        self.addCleanup(os.unlink, path)
        server.listen()
        return path


class Proven(VerifyCase):
    def test_a_good_tunnel(self) -> None:
        self.inside("sh", "-c", "echo up; exec sleep 1000")
        checks = self.checks(PROVEN)
        verdicts = {check["check"]: check["verdict"] for check in checks}
        self.assertNotIn("problem", verdicts.values())
        for name in (
            *("namespaces", "interfaces", "routes-ipv4", "routes-ipv6", "host-loopback", "dns", "handshake", "names"),
            *("nscd", "systemd-resolved", "avahi", "system-bus", "session-bus", "container-engines", "service-manager"),
            *("sockets", "abstract-sockets", "keys", "processes", "descriptors", "capabilities", "new-privileges"),
            *("terminal", "ids"),
        ):
            self.assertEqual(verdicts.get(name), "ok", checks)
        self.assertIn("through the tunnel", next(c["seen"] for c in checks if c["check"] == "dns"))

    def test_people_read_the_same(self) -> None:
        checks = self.checks(PROVEN)
        done = self.call("verify")
        self.assertEqual((done.returncode, done.stderr), (PROVEN, ""), done.stdout)
        *lines, last = done.stdout.splitlines()
        self.assertEqual(last, "work: isolated")
        self.assertEqual(
            [(line[:9].strip(), line[9:].partition(":")[0]) for line in lines],
            [(check["verdict"], check["check"]) for check in checks],
        )

    def test_by_the_pid_of_a_process_inside(self) -> None:
        command = self.inside("sh", "-c", "echo $$; exec sleep 1000")
        pids = [p["pid"] for p in self.tunnels()["work"]["processes"]]
        self.assertTrue(pids, command)
        done = self.call("verify", str(pids[0]))
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (PROVEN, "work: isolated"), done.stderr)

    def test_nothing_changes(self) -> None:
        """It leaves no process inside, and no name in the tunnel."""
        self.checks(PROVEN)
        self.assertEqual(self.tunnels()["work"]["processes"], [])

    def test_a_sandbox_inside(self) -> None:
        """As browsers make them: its namespaces are within the tunnel's."""
        self.inside("unshare", "--user", "--mount", "--map-root-user", "sh", "-c", "echo up; exec sleep 1000")
        self.assertIn("processes", self.found(PROVEN, "note"))


class Root(VerifyCase):
    def setUp(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.options = ("--root", f"--publish={probe.getsockname()[1]}:80")
        super().setUp()

    def test_its_rights_are_open_on_purpose(self) -> None:
        self.inside("sh", "-c", "echo up; exec sleep 1000")
        notes = self.found(PROVEN, "note")
        self.assertIn("on purpose", notes["capabilities"])
        self.assertIn("--root", notes["on-purpose"])
        self.assertIn("--publish=", notes["on-purpose"])

    def test_an_interface_that_root_makes_inside(self) -> None:
        done = self.call("exec", "work", "--", *"ip link add leak type veth peer name other".split())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("which is down", self.found(PROVEN, "note")["interfaces"])
        done = self.call("exec", "work", "--", *"ip link set leak up".split())
        self.assert_leak("interfaces", "leak (veth)")


class OwnPids(VerifyCase):
    options = ("--pid",)

    def test_a_good_tunnel(self) -> None:
        self.inside("sh", "-c", "echo up; exec sleep 1000")
        checks = self.checks(PROVEN)
        self.assertIn("PID", next(c["seen"] for c in checks if c["check"] == "namespaces"))
        self.assertNotIn("unknown", {check["verdict"] for check in checks})

    def test_processes_are_looked_at(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
            self.inside("sh", "-c", "echo up; exec sleep 1000", pass_fds=(outside.fileno(),))
        self.assert_leak("descriptors", "IPv4")


class SubIds(VerifyCase):
    options = ("--map-auto",)

    def setUp(self) -> None:
        name = pwd.getpwuid(os.getuid()).pw_name
        ranges = [path for path in ("/etc/subuid", "/etc/subgid") if f"{name}:" in Path(path).read_text()]
        if not shutil.which("newuidmap") or len(ranges) != 2:
            self.skipTest("the user has no subordinate ids, or there is no newuidmap")
        super().setUp()

    def test_sudo_is_open_on_purpose(self) -> None:
        self.inside("sh", "-c", "echo up; exec sleep 1000")
        notes = self.found(PROVEN, "note")
        self.assertIn("sudo works inside", notes["new-privileges"])
        self.assertIn("--map-auto", notes["on-purpose"])


class Leaks(VerifyCase):
    """Each thing that keeps commands from the host is undone by hand."""

    def test_a_socket_below_run(self) -> None:
        self.spoil("bind", self.listen("other"), "/run/service/socket")
        self.assert_leak("sockets", "/run/service/socket leads to a program outside")

    def test_nscd(self) -> None:
        self.spoil("bind", self.listen("nscd"), "/run/nscd/socket")
        self.assert_leak("nscd", "/run/nscd/socket answers")

    def test_resolved(self) -> None:
        self.spoil("bind", self.listen("resolved"), "/run/systemd/resolve/io.systemd.Resolve")
        self.assert_leak("systemd-resolved", "/run/systemd/resolve/io.systemd.Resolve answers")

    def test_system_bus(self) -> None:
        self.spoil("bind", self.listen("bus"), "/run/dbus/system_bus_socket")
        self.assert_leak("system-bus", "/run/dbus/system_bus_socket answers")

    def test_session_bus(self) -> None:
        self.spoil("bind", self.listen("bus"), f"/run/user/{os.getuid()}/bus")
        self.assert_leak("session-bus", f"/run/user/{os.getuid()}/bus answers")

    def test_avahi(self) -> None:
        self.spoil("bind", self.listen("avahi"), "/run/avahi-daemon/socket")
        self.assert_leak("avahi", "/run/avahi-daemon/socket answers")

    def test_docker(self) -> None:
        self.spoil("bind", self.listen("docker"), "/run/docker.sock")
        self.assert_leak("container-engines", "/run/docker.sock answers")

    def test_etc(self) -> None:
        self.spoil("umount", "/etc")
        self.assert_leak("names", "/etc/resolv.conf is the host's", "/etc/nsswitch.conf is the host's")

    def test_a_file_over_resolv_conf(self) -> None:
        other = self.scratch.file("resolv.conf", f"nameserver {THEIRS}\n", 0o644)
        self.spoil("bind", str(other), "/etc/resolv.conf")
        self.assert_leak("names", "/etc/resolv.conf is not in the tunnel's own /etc")

    def test_the_configuration(self) -> None:
        self.spoil("umount", str(self.home / ".config/wireguard4netns"))
        self.assert_leak("keys", "work.conf can be read")

    def test_the_control_socket(self) -> None:
        self.spoil("umount", str(self.runtime / "wireguard"))
        self.assert_leak("keys", "work.sock can be reached")

    def test_an_interface(self) -> None:
        self.spoil("run", *"ip link add leak type veth peer name other".split())
        self.spoil("run", *"ip link set leak up".split())
        self.assert_leak("interfaces", "leak (veth)")

    def test_a_route(self) -> None:
        self.spoil("run", *"ip route add 198.51.100.0/24 dev lo table 7".split())
        self.assert_leak("routes-ipv4", "198.51.100.0/24 through lo")

    def test_a_route_of_ipv6(self) -> None:
        self.spoil("run", *"ip -6 route add 2001:db8:9::/48 dev lo".split())
        self.assert_leak("routes-ipv6", "2001:db8:9::/48 through lo")

    def test_a_socket_of_the_host_that_was_left_open(self) -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as outside:
            self.inside("sh", "-c", "echo up; exec sleep 1000", pass_fds=(outside.fileno(),))
            self.assert_leak("descriptors", f"descriptor {outside.fileno()} is a socket of another network (IPv6)")

    def test_a_channel_that_was_left_open_is_a_note(self) -> None:
        one, other = socket.socketpair()
        with one, other:
            self.inside("sh", "-c", "echo up; exec sleep 1000", pass_fds=(one.fileno(),))
            self.assertIn("connected with a process outside", self.found(PROVEN, "note")["descriptors"])

    def test_a_folder_of_the_host_that_was_left_open(self) -> None:
        folder = os.open("/run", os.O_RDONLY | os.O_DIRECTORY)
        self.inside("sh", "-c", "echo up; exec sleep 1000", pass_fds=(folder,))
        os.close(folder)
        self.assert_leak("descriptors", "/run of the host's mounts")

    def test_a_namespace_of_the_host_that_was_left_open(self) -> None:
        net = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.inside("sh", "-c", "echo up; exec sleep 1000", pass_fds=(net,))
        os.close(net)
        self.assert_leak("descriptors", "a namespace of the host's (net:[")

    def test_a_process_with_the_hosts_mounts(self) -> None:
        self.live("user,net")
        found = self.found(LEAK, "problem")
        self.assertIn("with the host's mounts", found["processes"])
        self.assertIn("capabilities", found)
        self.assertIn("new-privileges", found)

    def test_a_process_with_the_hosts_network(self) -> None:
        self.live("user,mnt")
        self.assertIn("with the host's network", self.found(LEAK, "problem")["processes"])

    def live(self, kinds: str) -> None:
        command = [PYTHON, str(HERE / "spoil.py"), self.keeper(), "live", kinds]
        read_line(self.enterContext(background(command)))


class OwnHost(VerifyCase):
    """A service listens in the host's /run."""

    own_host = True
    peer_answers = False

    def test_run(self) -> None:
        assert self.host
        serve = (
            "import signal, socket; server = socket.socket(socket.AF_UNIX); server.bind('/run/service'); "
            "server.listen(); print('up', flush=True); signal.pause()"
        )
        read_line(self.enterContext(self.host.background(PYTHON, "-c", serve)))
        self.assertNotIn("problem", {check["verdict"] for check in self.checks(UNKNOWN)})
        self.spoil("umount", "/run")
        found = self.found(LEAK, "problem")
        self.assertIn("/run/service", found["sockets"])
        self.assertIn("/run/wireguard/work.sock can be reached", found["keys"])  # root's place for it


class Silence(VerifyCase):
    """The peer does not answer."""

    peer_answers = False

    def test_it_cannot_be_told(self) -> None:
        notes = self.found(UNKNOWN, "note")
        self.assertIn("no peer has answered", notes["handshake"])
        done = self.call("verify", "work")
        self.assertEqual(done.stdout.splitlines()[-1], "work: it cannot be told whether it is isolated")

    def test_no_such_tunnel(self) -> None:
        done = self.call("verify", "other")
        self.assertEqual((done.returncode, done.stdout), (UNKNOWN, ""))
        self.assertIn("no tunnel of the name other runs", done.stderr)

    def test_a_tunnel_whose_process_has_ended(self) -> None:
        self.inside("sh", "-c", "echo up; exec sleep 1000")
        os.kill(self.tunnels()["work"]["tunnel"], signal.SIGKILL)
        self.scratch.killed = True
        wait_until(lambda: self.call("verify", "work").returncode == UNKNOWN, 5)
        done = self.call("verify", "work")
        self.assertEqual((done.returncode, done.stdout), (UNKNOWN, ""))
        self.assertIn("has no network any more", done.stderr)


class Watch(VerifyCase):
    def watch(self, *options: str) -> subprocess.Popen[bytes]:
        command = self.argv("verify", "work", *options)
        process = self.enterContext(background(command, env=self.environment()))
        self.assertTrue(read_line(process).startswith("ok "))
        return process

    def test_a_mount_is_noticed_at_once(self) -> None:
        process = self.watch("--watch=3600")
        time.sleep(0.5)  # it has to wait already
        began = time.monotonic()
        self.spoil("bind", self.listen("nscd"), "/run/nscd/socket")
        self.assertEqual(process.wait(PATIENCE_S), LEAK)
        self.assertLess(time.monotonic() - began, PATIENCE_S)
        assert process.stdout is not None
        self.assertRegex(process.stdout.read().decode(), r"(?m)^problem +nscd: /run/nscd/socket answers")

    def test_it_looks_again(self) -> None:
        """A process is no mount."""
        process = self.watch("--watch=0.5")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
            self.inside("sh", "-c", "echo up; exec sleep 1000", pass_fds=(outside.fileno(),))
        self.assertEqual(process.wait(PATIENCE_S), LEAK)
        assert process.stdout is not None
        self.assertRegex(process.stdout.read().decode(), r"(?m)^problem +descriptors: .*\(IPv4\)")

    def test_it_prints_what_is_new_as_json(self) -> None:
        command = self.argv("verify", "work", "--json", "--watch=3600")
        process = self.enterContext(background(command, env=self.environment()))
        self.assertTrue(json.loads(read_line(process, PATIENCE_S))["ok"])
        self.spoil("umount", "/etc")
        self.assertEqual(process.wait(PATIENCE_S), LEAK)
        assert process.stdout is not None
        last = json.loads(process.stdout.read().decode().splitlines()[-1])
        self.assertFalse(last["ok"])
        checks = {check["check"] for check in last["checks"]}
        self.assertIn("names", checks)
        self.assertNotIn("interfaces", checks)

    def test_the_end_of_the_tunnel(self) -> None:
        process = self.watch("--watch=3600")
        self.assertEqual(self.call("down", "work").returncode, 0)
        self.assertEqual(process.wait(PATIENCE_S), PROVEN)


if __name__ == "__main__":
    harness.main()
