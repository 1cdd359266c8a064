"""The doctor on hosts with something missing, and with peers that answer and that do not."""

import json
import os
import re
import resource
import subprocess
import time
from collections.abc import Callable

import harness
from namespaces import HERE, PYTHON, Namespace, World
from processes import read_line
from program import bindir, program_environment
from wireguard import Config, Identity, Peer


class DoctorTestCase(harness.TestCase):
    def doctor(
        self,
        *arguments: str,
        where: Namespace | None = None,
        prepare: Callable[[], None] | None = None,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        command = [str(bindir() / "wireguard4netns"), "doctor", *arguments]
        return subprocess.run(
            where.command(*command) if where else command,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
            preexec_fn=prepare,
            env=program_environment(self.scratch, **environment),
        )

    def line(self, done: subprocess.CompletedProcess[str], check: str) -> str:
        """The one line of a check."""
        found = [line for line in done.stdout.splitlines() if line[9:].startswith(check + ": ")]
        self.assertEqual(len(found), 1, done.stdout + done.stderr)
        return found[0]

    def lines(self, done: subprocess.CompletedProcess[str], check: str) -> list[str]:
        return [line for line in done.stdout.splitlines() if line[9:].startswith(check + ": ")]


class Host(DoctorTestCase):
    def test_this_host_makes_tunnels(self) -> None:
        """The other tests do, so there is no problem to be found."""
        done = self.doctor()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")
        for check in ("user-namespaces", "tun-device", "helper", "wg", "udp", "run-view", "runtime-folder"):
            self.assertTrue(self.line(done, check).startswith("ok "), done.stdout)
        self.assertIn("a TUN can be made, with vnet-hdr checksum tso", self.line(done, "tun"))
        self.assertIn(os.uname().release, self.line(done, "kernel"))
        if os.path.exists("/usr/bin/podman"):
            self.assertRegex(done.stdout, r"ok +engine: podman version \d.* containers\.conf")

    def test_no_runtime_folder(self) -> None:
        for folder, why in (("", "is not set"), (f"{self.scratch.folder}/none", "No such file")):
            done = self.doctor(XDG_RUNTIME_DIR=folder)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertRegex(self.line(done, "runtime-folder"), f"^note .*{why}.*commands cannot run in a tunnel")

    def test_json_says_the_same(self) -> None:
        done = self.doctor("--json")
        said = json.loads(done.stdout)
        self.assertEqual((said["version"], said["ok"]), (1, True))
        lines = self.doctor().stdout.splitlines()
        self.assertEqual(
            [(line[:9].strip(), line[9:].partition(":")[0]) for line in lines],
            [(check["verdict"], check["check"]) for check in said["checks"]],
        )

    def test_no_user_namespaces(self) -> None:
        ns = self.namespace()
        ns.run("sh", "-c", "echo 0 > /proc/sys/user/max_user_namespaces")
        done = self.doctor(where=ns)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(
            self.line(done, "user-namespaces"),
            "^problem .*cannot make .*No space left.*sysctl -w user.max_user_namespaces=15000",
        )
        self.assertIn("wireguard4netns: error: 1 problem found", done.stderr)

    def test_no_tun_device(self) -> None:
        ns = self.namespace(mount=True)
        ns.run("mount", "-t", "tmpfs", "tmpfs", "/dev/net")
        done = self.doctor(where=ns)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(self.line(done, "tun-device"), "^problem .*No such file.*modprobe tun")
        self.assertRegex(self.line(done, "tun"), "^note .*not tried")

    def test_tun_device_that_is_none(self) -> None:
        ns = self.namespace(mount=True)
        ns.run("sh", "-c", "mount -t tmpfs tmpfs /dev/net && touch /dev/net/tun")
        self.assertRegex(self.line(self.doctor(where=ns), "tun-device"), "^problem .*is no device")

    def test_tun_device_that_is_another(self) -> None:
        ns = self.namespace(mount=True)
        ns.run("mount", "--bind", "/dev/null", "/dev/net/tun")
        done = self.doctor(where=ns)
        self.assertRegex(self.line(done, "tun-device"), "^problem .*number is 1:3.*c 10 200")
        self.assertRegex(self.line(done, "tun"), "^note .*not tried")

    def test_no_locked_memory(self) -> None:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))

        done = self.doctor(prepare=limit)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(self.line(done, "locked-memory"), "^note .* is 0 KiB.*ulimit -l")

    def test_a_podman_build_that_would_leave_the_tunnel(self) -> None:
        folder = self.scratch.folder / "00-bin"
        folder.mkdir()
        for name, says in (("podman", "podman version 4.3.1"), ("slirp4netns", "")):
            (folder / name).write_text(f"#!/bin/sh\necho {says}\n")
            (folder / name).chmod(0o755)
        conf = self.scratch.file("containers.conf", "[engine]\n")
        variables = {"PATH": f"{folder}:{os.environ['PATH']}", "CONTAINERS_CONF": str(conf)}
        self.assertEqual(self.lines(self.doctor(**variables), "podman-build"), [])
        conf.write_text(f'[engine]\nnetwork_cmd_path = "{bindir()}/wireguard4netns"\n')
        done = self.doctor(**variables)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(
            self.line(done, "podman-build"),
            f"^problem .*podman build takes {folder}/slirp4netns, .*Make a link slirp4netns",
        )
        (folder / "slirp4netns").unlink()
        (folder / "slirp4netns").symlink_to(bindir() / "wireguard4netns")
        done = self.doctor(**variables)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(self.line(done, "podman-build"), f"^ok .*{folder}/slirp4netns")

    def test_nothing_installed(self) -> None:
        done = self.doctor(PATH=str(self.scratch.folder))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(self.line(done, "wg"), "^note .*wireguard-tools")
        self.assertRegex(self.line(done, "subordinate-ids"), "^note .*newuidmap is not installed")
        self.assertRegex(self.line(done, "engine"), "^ok .*no container engine found")

    def test_no_helper(self) -> None:
        program = self.scratch.folder / "99-wireguard4netns"
        program.write_bytes((bindir() / "wireguard4netns").read_bytes())
        program.chmod(0o700)
        done = subprocess.run(
            [program, "doctor"],
            capture_output=True,
            text=True,
            check=False,
            env=program_environment(self.scratch),
        )
        if "problem  helper" not in done.stdout:
            self.skipTest("a helper is installed on this machine")
        self.assertEqual(done.returncode, 1)


class Configuration(DoctorTestCase):
    def test_mistakes(self) -> None:
        missing = self.doctor("/nowhere.conf")
        self.assertEqual(missing.returncode, 1)
        self.assertRegex(self.line(missing, "configuration"), "^problem .*/nowhere.conf: No such file")
        wrong = self.scratch.file("wrong.conf", "[Interface]\nFoo = 1\n")
        self.assertRegex(
            self.line(self.doctor(str(wrong)), "configuration"), "^problem .*line 2: unknown key"
        )
        keyless = self.scratch.file("keyless.conf", "[Interface]\n")
        self.assertRegex(self.line(self.doctor(str(keyless)), "key"), "^problem .*no PrivateKey")
        self.assertRegex(
            self.line(self.doctor("no-such-profile"), "configuration"),
            "^problem .*profiles/no-such-profile.conf: No such file",
        )

    def test_names_routes_and_ports(self) -> None:
        world = self.enterContext(World())
        taken = self.enterContext(
            world.host.background(PYTHON, str(HERE / "faulty_peer.py"), "mute", "7777")
        )
        read_line(taken)
        named, routeless, waits = Identity(), Identity(), Identity()
        peers = [
            Peer(named.public, ["10.8.0.1/32"], "no.such.name.invalid:1"),
            Peer(routeless.public, ["10.8.0.2/32"], "203.0.113.1:1"),
            Peer(waits.public, ["10.8.0.3/32"]),
        ]
        config = Config(Identity().private, ["10.8.0.9/24"], peers, port=7777)
        path = self.scratch.file("a.conf", config.for_wg_quick())
        done = self.doctor(str(path), where=world.host)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(self.line(done, "port"), "^problem .*UDP port 7777: Address already in use")
        endpoints = self.lines(done, "endpoint")
        self.assertRegex(endpoints[0], f"^problem .*{re.escape(named.public)}.*no.such.name.invalid:1: ")
        self.assertRegex(endpoints[2], "^ok .*none: the peer has to send first")
        self.assertRegex(self.line(done, "route"), "^problem .*no route to 203.0.113.1:1: Network is")
        self.assertEqual(self.lines(done, "handshake"), [])


class Peers(DoctorTestCase):
    """A peer far away, reached over a cable."""

    def setUp(self) -> None:
        super().setUp()
        self.world = self.enterContext(World())
        self.ours, self.theirs = Identity(), Identity()
        them = Peer(self.theirs.public, ["10.9.0.2/32"], f"{World.FAR}:6000")
        self.config = Config(self.ours.private, ["10.9.0.1/24"], [them])

    def peer(self, allowed: str = "10.9.0.1/32") -> Namespace:
        us = Peer(self.ours.public, [allowed])
        config = Config(self.theirs.private, ["10.9.0.2/24"], [us], port=6000)
        target = self.namespace(self.world.far)
        self.wg4(target, config, where=self.world.far)
        return target

    def examine(self, *options: str) -> subprocess.CompletedProcess[str]:
        path = self.scratch.file("ours.conf", self.config.for_wg_quick())
        return self.doctor(*options, str(path), where=self.world.host)

    def test_all_is_well(self) -> None:
        self.peer()
        done = self.examine()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(self.line(done, "handshake"), r"^ok .*done in \d+ ms")
        self.assertRegex(self.line(done, "data"), "^ok .*10.9.0.2 answers pings")
        self.assertRegex(self.line(done, "mtu"), "^ok .*packets of 1420 bytes")
        self.assertTrue(json.loads(self.examine("--json").stdout)["ok"])
        self.assertTrue(any(self.is_quick() for _ in range(5)), "it waits for something that has come")

    def is_quick(self) -> bool:
        """Whether it took less than its shortest wait for an answer that does not come."""
        began = time.monotonic()
        self.examine()
        return time.monotonic() - began < 10

    def test_large_datagrams_are_dropped(self) -> None:
        """Packets larger than 1300 bytes are lost, in both directions, without an ICMP error."""
        self.peer()
        command = [PYTHON, str(HERE / "faulty_peer.py"), "only-small", "6001", "6000", "1300"]
        read_line(self.enterContext(self.world.far.background(*command)))
        self.config.peers[0].endpoint = f"{World.FAR}:6001"
        done = self.examine()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(self.line(done, "data"), "^ok ")
        found = self.line(done, "mtu")
        self.assertRegex(found, r"^problem .*packets of 1420 bytes, the MTU, get lost.*Set MTU = 12\d\d")

    def test_data_that_is_not_let_in(self) -> None:
        self.peer(allowed="10.99.0.0/24")
        done = self.examine()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(self.line(done, "data"), "^note .*packets reach the peer, but 10.9.0.2")
        self.assertRegex(self.line(done, "mtu"), "^ok ")

    def test_nobody_listens(self) -> None:
        done = self.examine()
        self.assertEqual(done.returncode, 1)
        says = "^problem .*unreachable: nothing listens on that UDP port, 192.0.2.2 says"
        self.assertRegex(self.line(done, "handshake"), says)
        checks = json.loads(self.examine("--json").stdout)["checks"]
        (told,) = [check for check in checks if check["check"] == "handshake"]
        self.assertEqual((told["verdict"], told["peer"]), ("problem", self.theirs.public))

    def test_a_tunnel_that_runs_is_left_alone(self) -> None:
        self.peer()
        container = self.namespace(self.world.host)
        self.wg4(container, self.config, where=self.world.host)
        self.assert_pings(container, "10.9.0.2", count=1)
        done = self.examine()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(self.line(done, "key"), "^note .*in use by process .*No handshake is tried")
        self.assertRegex(self.line(done, "tunnel"), "^ok .*what it says goes to standard error.*show wg0")
        self.assertEqual(self.lines(done, "handshake"), [])
        self.assert_pings(container, "10.9.0.2", count=3)


if __name__ == "__main__":
    harness.main()
