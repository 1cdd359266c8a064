"""One key, one tunnel: a second one on the same host is refused, until the first has ended."""

import base64
import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import harness
from fixtures import THEIRS, pair_on_loopback
from namespaces import World
from processes import PATIENCE_S, read_line, wait_until
from program import Wg4, bindir, program_environment
from wireguard import Identity, wg

IN_TIME_S = 1.5  # the second one waits for two


class KeyCase(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pair = pair_on_loopback(self)
        self.wg4(self.pair.other, self.pair.other_config)
        self.second = self.namespace()

    def first(self) -> Wg4:
        return self.wg4(self.pair.one, self.pair.config)

    def run_second(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Ends by itself."""
        config = self.scratch.file("second.conf", self.pair.config.for_wg_quick())
        return subprocess.run(
            [bindir() / "wireguard4netns", "--config", config, str(self.second.pid)],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
            env=program_environment(self.scratch, **environment),
        )


class SharedKey(KeyCase):
    def test_refused_by_the_name_of_the_other(self) -> None:
        first = self.first()
        before = self.second.snapshot()
        refused = self.run_second()
        self.assertEqual(refused.returncode, 1)
        holder = f"in use by process {first.pid}, the tunnel of process {self.pair.one.pid}. Two tunnels"
        self.assertIn(holder, refused.stderr)
        self.assertEqual(len(refused.stderr.splitlines()), 1, refused.stderr)
        self.assertEqual(self.second.snapshot(), before)
        self.assert_pings(self.pair.one, THEIRS, count=1)

    def test_overridden(self) -> None:
        self.first()
        for options, prefix in (
            (["--allow-shared-key"], []),
            ([], ["env", "WIREGUARD4NETNS_ALLOW_SHARED_KEY=1"]),
        ):
            with Wg4(self.scratch, self.second, self.pair.config, options=options, prefix=prefix) as second:
                self.assertIn("warning: the private key is in use by process", second.log.read_text())

    def test_free_again_after_any_end_of_the_first(self) -> None:
        for end in (Wg4.stop, Wg4.kill):
            first = Wg4(self.scratch, self.pair.one, self.pair.config)
            first.start()
            first.wait_ready()
            end(first)
            with Wg4(self.scratch, self.second, self.pair.config):
                self.assert_pings(self.second, THEIRS, count=1)

    def test_one_that_is_just_ending_is_waited_for(self) -> None:
        for _ in range(10):
            first = self.first()
            second = Wg4(self.scratch, self.second, self.pair.config)
            second.start()
            time.sleep(0.5)
            first.stop()
            ended = time.monotonic()
            with contextlib.suppress(AssertionError):
                second.wait_ready()
                second.stop()
                return
            self.assertGreater(ended - second.started, IN_TIME_S, second.log.read_text())
            second.close_fds()
        self.skipTest("this machine is too busy to end a tunnel in a second")

    def test_two_at_a_time_cannot_both_win(self) -> None:
        both = [Wg4(self.scratch, ns, self.pair.config) for ns in (self.pair.one, self.second)]
        for wg4 in both:
            wg4.start()
        self.assertTrue(wait_until(lambda: any(wg4.process.poll() == 1 for wg4 in both), 6))
        (winner,) = (wg4 for wg4 in both if wg4.process.poll() is None)
        winner.wait_ready()
        winner.stop()
        for wg4 in both:
            wg4.close_fds()

    def test_other_hosts_do_not_count(self) -> None:
        """The lock is the host network's, as the endpoint is."""
        self.first()
        with contextlib.ExitStack() as stack:
            world = stack.enter_context(World())
            container = self.namespace(world.host)
            stack.enter_context(Wg4(self.scratch, container, self.pair.config, where=world.host))


class Stranger(KeyCase):
    """Other users can cause at most a warning by names and folders that everybody can make."""

    def held_names(self) -> list[str]:
        lines = Path("/proc/net/unix").read_text().splitlines()
        return [line.split("@", 1)[1] for line in lines if "@wireguard4netns/key/" in line]

    def test_the_name_of_a_key_is_taken(self) -> None:
        first = self.first()
        names = self.held_names()
        first.stop()
        self.assertGreaterEqual(len(names), 2)
        for name in set(names) - set(self.held_names()):  # the other end has its own
            squatter = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            squatter.bind("\0" + name)
        first = self.first()
        self.assertIn("warning: another program may have the private key, too", first.log.read_text())
        # The lock itself is where it was.
        refused = self.run_second()
        self.assertEqual(refused.returncode, 1)
        self.assertIn("the private key is in use by process", refused.stderr)
        # A key that is set while it runs is locked in the same way.
        control = [bindir() / "wireguard4netns", "wg", "set", f"wg0-{first.pid}", "private-key", "/dev/stdin"]
        other = Identity().private
        for key in (other, self.pair.config.private):
            subprocess.run(
                control, input=key, text=True, check=True, env=program_environment(self.scratch)
            )

    def test_names_say_nothing_about_a_key(self) -> None:
        """A user who knows the public key, or another key, cannot predict the name."""
        self.first()
        raw = base64.b64decode(wg("pubkey", text=self.pair.config.private))
        for known in (raw, hashlib.blake2s(raw, digest_size=16).digest()):
            for name in self.held_names():
                self.assertNotIn(known.hex(), name)

    def test_folders_that_are_not_ours(self) -> None:
        """Without XDG_RUNTIME_DIR; the folder in its place is another user's, or open to others."""
        fallback = Path(f"/tmp/wireguard4netns-{os.getuid()}")
        self.addCleanup(shutil.rmtree, fallback, ignore_errors=True)
        shutil.rmtree(fallback, ignore_errors=True)
        fallback.mkdir()
        fallback.chmod(0o777)
        self.assertIn(f"{fallback} is not this user's alone", self.said_without_a_lock())
        self.assertEqual(list(fallback.iterdir()), [])
        fallback.rmdir()
        fallback.symlink_to(self.scratch.folder)
        self.said_without_a_lock()
        fallback.unlink()

    def said_without_a_lock(self) -> str:
        """By a tunnel that starts all the same."""
        prefix = ["env", "XDG_RUNTIME_DIR="]
        with Wg4(self.scratch, self.second, self.pair.config, prefix=prefix) as second:
            said = second.log.read_text()
        self.assertIn("warning: whether another tunnel has the private key cannot be told", said)
        return said


class Places(KeyCase):
    def hold(self, target: int, *prefix: str, **environment: str) -> subprocess.Popen[str]:
        """A tunnel with the key that is up."""
        config = self.scratch.file("first.conf", self.pair.config.for_wg_quick())
        first = subprocess.Popen(
            [*prefix, bindir() / "wireguard4netns", "--config", config, "--control=off", str(target)],
            stderr=subprocess.PIPE,
            text=True,
            env=program_environment(self.scratch, **environment),
        )
        self.addCleanup(first.communicate)
        self.addCleanup(first.kill)
        assert first.stderr
        self.assertIn("wg0 in ", first.stderr.readline())
        return first

    def process(self, *prefix: str) -> int:
        """One that is there until the end of the test."""
        process = subprocess.Popen(
            [*prefix, "sh", "-c", "echo; exec cat"], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.addCleanup(process.communicate)
        read_line(process)
        return process.pid

    def assert_refused(self, **environment: str) -> None:
        refused = self.run_second(**environment)
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("the private key is in use by process", refused.stderr)

    def test_without_a_runtime_folder(self) -> None:
        self.hold(self.pair.one.pid, XDG_RUNTIME_DIR="")
        self.assert_refused(XDG_RUNTIME_DIR="")

    def test_as_podman_starts_it(self) -> None:
        """uid 0 of a user namespace, in a mount namespace of its own: the same user."""
        podman = self.process("unshare", "--user", "--map-root-user", "--mount")
        inside = ("nsenter", "-t", str(podman), "-U", "-m", "--preserve-credentials")
        first = self.hold(self.process(*inside, "unshare", "--net"), *inside)
        self.assert_refused()
        first.kill()
        first.wait()
        with Wg4(self.scratch, self.second, self.pair.config):
            self.assert_pings(self.second, THEIRS, count=1)


if __name__ == "__main__":
    harness.main()
