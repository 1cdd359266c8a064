"""The OCI hook as a runtime calls it: a state on standard input, an end of its own, a tunnel that stays."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess

import harness
from fixtures import THEIRS, pair_on_loopback
from processes import PATIENCE_S, assert_only, descendants, wait_until
from program import bindir, program_environment

PROGRAM = str(bindir() / "wireguard4netns")
HOOK = (PROGRAM, "oci-hook", "createRuntime")
ALLOWING = (*HOOK, "--allow-annotations=config")


class Hook(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pair = pair_on_loopback(self)
        self.wg4(self.pair.other, self.pair.other_config)
        dns = "[Interface]\nDNS = 10.77.0.53, vpn.test\n"
        config = self.pair.config.for_wg_quick().replace("[Interface]\n", dns, 1)
        self.config = self.scratch.file("hook.conf", config)
        self.bundle = self.scratch.folder / "00-bundle"
        self.root = self.bundle / "rootfs"
        (self.root / "etc").mkdir(parents=True)
        (self.bundle / "config.json").write_text('{"root":{"path":"rootfs"}}')

    def state(self, **annotations: str) -> str:
        ours = {f"io.wireguard4netns.{name}": value for name, value in annotations.items()}
        return json.dumps(
            {
                "ociVersion": "1.0",
                "id": "0123456789abcdef",
                "pid": self.pair.one.pid,
                "bundle": str(self.bundle),
                "annotations": ours | {"some.other": "1"},
            }
        )

    def run_hook(
        self, state: str, *prefix: str, hook: tuple[str, ...] = ALLOWING
    ) -> subprocess.CompletedProcess[str]:
        """Returns at the end of its stderr, which therefore no process may keep open."""
        return subprocess.run(
            [*prefix, *hook],
            input=state,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
            env=program_environment(self.scratch),
        )

    def started(self) -> int:
        """The process id of the one that stays."""
        before = {entry.pid for entry in descendants()}
        done = self.run_hook(self.state(config=str(self.config)))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("wg0 in process", done.stderr)
        ours = [entry.pid for entry in descendants() if entry.name == "wireguard4netns"]
        (pid,) = set(ours) - before
        return pid

    def ended(self, pid: int) -> bool:
        return all(entry.state == "Z" for entry in descendants() if entry.pid == pid)

    def test_the_tunnel_stays_and_ends_with_the_container(self) -> None:
        before = self.pair.one.snapshot()
        pid = self.started()
        self.assert_pings(self.pair.one, THEIRS, count=1)
        self.assertEqual(os.getsid(pid), pid)
        os.kill(pid, signal.SIGTERM)
        self.assertTrue(wait_until(lambda: self.ended(pid), 3))
        self.assertTrue(wait_until(lambda: self.pair.one.snapshot() == before, 3))
        pid = self.started()
        os.kill(self.pair.one.pid, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: self.ended(pid), 3))

    def test_dns_servers_are_written_where_the_container_will_look(self) -> None:
        pid = self.started()
        expected = "nameserver 10.77.0.53\nsearch vpn.test\n"
        self.assertEqual((self.root / "etc/resolv.conf").read_text(), expected)
        os.kill(pid, signal.SIGTERM)
        self.assertTrue(wait_until(lambda: self.ended(pid), 3))

    def assert_refused(self, state: str, *says: str, hook: tuple[str, ...] = ALLOWING) -> None:
        """At once, in one sentence, with nothing left behind."""
        before, known = self.pair.one.snapshot(), {entry.pid for entry in descendants()}
        failed = self.run_hook(state, hook=hook)
        self.assertEqual(failed.returncode, 1, failed.stderr)
        lines = [line for line in failed.stderr.splitlines() if "warning:" not in line]
        self.assertEqual(len(lines), 1, lines)
        for words in says:
            self.assertIn(words, lines[0])
        assert_only(known)
        self.assertEqual(self.pair.one.snapshot(), before)

    def test_an_image_may_name_a_profile_and_no_more(self) -> None:
        for name, value in {
            "config": str(self.config),
            "ifname": "eth0",
            "publish": "8080:80",
            "allow-shared-key": "true",
        }.items():
            state = self.state(profile="blue", **{name: value})
            option = f"--allow-annotations={name}"
            self.assert_refused(state, f"io.wireguard4netns.{name} is not allowed", option, hook=HOOK)
            others = {"config", "ifname", "publish", "allow-shared-key"} - {name}
            other = f"--allow-annotations={','.join(sorted(others))}"
            self.assert_refused(state, "is not allowed", option, hook=(*HOOK, other))
        self.assert_refused(self.state(profile="none"), "profiles/none.conf", hook=HOOK)
        every = (*HOOK, "--allow-annotations=all")
        self.assert_refused(self.state(config="/none", ifname="eth0"), "/none", hook=every)
        self.assert_refused(self.state(profil="blue"), "is unknown to this version", hook=every)

    def test_a_configuration_named_by_an_annotation_is_the_users_own_file(self) -> None:
        fifo = self.scratch.folder / "00-fifo.conf"
        os.mkfifo(fifo, 0o600)
        for path, says in (
            (str(fifo), "is a FIFO"),
            ("/dev/zero", "is a device"),
            ("/etc/passwd", "belongs to another user"),
        ):
            self.assert_refused(self.state(config=path), path, says)

    def test_nothing_of_a_bundle_is_followed_through_a_link(self) -> None:
        outside = self.scratch.file("mine", "mine\n")
        resolv_conf = self.root / "etc/resolv.conf"
        state = self.state(config=str(self.config))
        for target in (str(outside), f"../../../{outside.name}", "resolv.conf", "/dev/null"):
            resolv_conf.symlink_to(target)
            self.assert_refused(state, "DNS servers", "links are not followed", "Mount a file")
            resolv_conf.unlink()
        (self.root / "etc").rename(self.root / "else")
        (self.root / "etc").symlink_to("else")
        self.assert_refused(state, "links are not followed")
        (self.root / "etc").unlink()
        (self.root / "else").rename(self.root / "etc")
        self.root.rename(self.bundle / "else")
        self.root.symlink_to("else")
        self.assert_refused(state, "links are not followed")
        config = self.bundle / "config.json"
        config.rename(self.bundle / "else.json")
        config.symlink_to("else.json")
        self.assert_refused(state, "config.json", "links are not followed")
        self.assertEqual(outside.read_text(), "mine\n")
        self.assertEqual(sorted(path.name for path in (self.bundle / "else/etc").iterdir()), [])

    def test_paths_that_are_no_regular_files_are_neither_read_nor_written(self) -> None:
        state = self.state(config=str(self.config))
        resolv_conf, config = self.root / "etc/resolv.conf", self.bundle / "config.json"
        os.mkfifo(resolv_conf, 0o600)
        reader = os.open(resolv_conf, os.O_RDONLY | os.O_NONBLOCK)
        self.assert_refused(state, "DNS servers", "resolv.conf", "is a FIFO")
        self.assertEqual(os.read(reader, 10), b"")
        os.close(reader)
        resolv_conf.unlink()
        resolv_conf.mkdir()
        self.assert_refused(state, "DNS servers", "is a directory")
        config.unlink()
        os.mkfifo(config, 0o600)
        self.assert_refused(state, "config.json is a FIFO")
        config.unlink()
        config.touch()
        os.truncate(config, 1 << 30)
        self.assert_refused(state, "config.json is larger than")

    def test_a_state_without_an_end(self) -> None:
        with subprocess.Popen(HOOK, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as hook:
            assert hook.stdin and hook.stderr
            hook.stdin.write("{")
            hook.stdin.flush()
            self.assertEqual(hook.wait(PATIENCE_S), 1)
            self.assertIn("the container's state has no end", hook.stderr.read())

    def test_a_state_that_is_none(self) -> None:
        for text, says in (
            ("", "not a JSON object"),
            ("[]", "not a JSON object"),
            ("{" + " " * (1 << 20) + "}", "larger than 1048576 bytes"),
            (self.state(profile=""), "is empty"),
        ):
            failed = self.run_hook(text)
            self.assertEqual(failed.returncode, 1, failed.stderr)
            self.assertIn(says, failed.stderr)
            self.assertEqual(len(failed.stderr.splitlines()), 1)

    def test_nothing_of_ours_nothing_done(self) -> None:
        done = self.run_hook(self.state())
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_a_runtime_that_gives_up_leaves_no_tunnel(self) -> None:
        """kill -9 of the hook while it waits, as a runtime does when it has waited for too long."""
        before, snapshot = {entry.pid for entry in descendants()}, self.pair.one.snapshot()
        fifo = self.scratch.folder / "00-go"
        os.mkfifo(fifo, 0o600)
        helper = bindir() / "wg4netns-helper"
        slow = self.scratch.file("helper", f'#!/bin/sh\nread go <{fifo}\nexec {helper} "$@"\n', 0o700)
        hook = subprocess.Popen(
            [*ALLOWING, f"--helper={slow}"],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=program_environment(self.scratch),
        )
        assert hook.stdin
        with hook.stdin:
            hook.stdin.write(self.state(config=str(self.config)).encode())
        with fifo.open("w") as writer:  # opens once the helper waits
            hook.kill()
            hook.wait()
            writer.write("go\n")
        assert_only(before, 5)
        self.assertEqual(self.pair.one.snapshot(), snapshot)

    def test_errors_are_in_the_systems_log(self) -> None:
        """A runtime may drop a hook's stderr."""
        devices = self.scratch.folder / "00-dev"
        devices.mkdir()
        (devices / "null").touch()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
            log.bind(str(devices / "log"))
            mount = f"mount --bind /dev/null {devices}/null && mount --rbind {devices} /dev"
            prefix = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
            failed = self.run_hook(
                self.state(config="/nowhere.conf"), *prefix, f'{mount} && exec "$@"', "sh"
            )
            self.assertEqual(failed.returncode, 1)
            self.assertTrue(select.select([log], [], [], PATIENCE_S)[0])
            line = log.recv(4096).decode()
        self.assertRegex(line, r"^<11>.* wireguard4netns\[\d+\]: container 0123456789ab: ")
        self.assertIn(line.partition("]: ")[2].rstrip("\0"), failed.stderr)


if __name__ == "__main__":
    harness.main()
