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

HOOK = (str(bindir() / "wireguard4netns"), "oci-hook", "createRuntime")


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

    def run_hook(self, state: str, *prefix: str) -> subprocess.CompletedProcess[str]:
        """Returns at the end of its stderr, which therefore nobody may keep open."""
        return subprocess.run(
            [*prefix, *HOOK],
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

    def test_a_link_in_an_image_leads_nowhere_else(self) -> None:
        """Links are those of the container: an absolute one, and one that climbs, end in its root."""
        outside = self.scratch.file("mine", "mine\n")
        target = self.root / "etc/resolv.conf"
        target.symlink_to(outside)  # a folder that the image has not
        failed = self.run_hook(self.state(config=str(self.config)))
        self.assertEqual(failed.returncode, 1)
        self.assertIn("DNS servers to etc/resolv.conf", failed.stderr)
        target.unlink()
        target.symlink_to(f"../../../{outside.name}")
        self.started()
        self.assertIn("nameserver", (self.root / outside.name).read_text())
        self.assertEqual(outside.read_text(), "mine\n")
        os.kill(self.pair.one.pid, signal.SIGKILL)

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
        fifo = self.scratch.folder / "00-slow.conf"
        os.mkfifo(fifo, 0o600)
        hook = subprocess.Popen(
            HOOK, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env=program_environment(self.scratch)
        )
        assert hook.stdin
        with hook.stdin:
            hook.stdin.write(self.state(config=str(fifo)).encode())
        with fifo.open("w") as writer:  # opens once the tunnel's process reads
            hook.kill()
            hook.wait()
            writer.write(self.config.read_text())
        assert_only(before, 5)
        self.assertEqual(self.pair.one.snapshot(), snapshot)

    def test_errors_are_in_the_systems_log(self) -> None:
        """A runtime may drop what a hook writes to stderr."""
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
