"""A user with a profile and a peer that answers, for the tests of commands in tunnels of their own (run, up, exec)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import harness
from fixtures import THEIRS, pair_on_loopback
from namespaces import HERE, PYTHON
from processes import PATIENCE_S, ProcessEntry, bury_orphans, descendants, read_line, wait_until
from program import Wg4, bindir, program_environment

FAR_SERVICES = HERE.parent / "engines" / "far_services.py"
NAME = "target.test"  # as far_services.py has it
OURS = 125  # the status of failures of this program


def mounts() -> str:
    return Path("/proc/self/mountinfo").read_text()


class RunCase(harness.TestCase):
    """`run` as a user types it: `self.home` and `self.runtime` are the user's, with a profile `work`."""

    peer_answers = True

    def setUp(self) -> None:
        super().setUp()
        self.pair = pair_on_loopback(self)
        self.home = self.scratch.folder / "00-home"
        self.runtime = self.scratch.folder / "00-runtime"
        for folder in (self.home, self.runtime):
            folder.mkdir(mode=0o700)
        self.profiles = self.home / ".config/wireguard4netns/profiles"
        self.profiles.mkdir(parents=True)
        self.profile()
        self.known = {entry.pid for entry in descendants()}
        if self.peer_answers:
            self.answer()
        before = mounts()
        self.addCleanup(lambda: self.assertEqual(mounts(), before))
        self.addCleanup(self.assert_user_left_nothing)

    def answer(self) -> None:
        """The peer begins to answer."""
        peer = self.enterContext(Wg4(self.scratch, self.pair.other, self.pair.other_config))
        self.expect_running(peer.pid)

    def expect_running(self, pid: int) -> None:
        """It is of the test, and ends after the check for what is left."""
        self.known |= {pid} | {entry.pid for entry in descendants(pid)}

    def serve(self) -> subprocess.Popen[bytes]:
        """A web and a DNS server behind the peer; what it is asked for names is said on its stdout."""
        services = self.enterContext(self.pair.other.background(PYTHON, str(FAR_SERVICES), THEIRS))
        read_line(services)
        self.expect_running(services.pid)
        return services

    def profile(self, name: str = "work", *, dns: str | None = THEIRS, lines: str = "") -> Path:
        text = self.pair.config.for_wg_quick()
        if dns:
            text = text.replace("[Interface]\n", f"[Interface]\nDNS = {dns}\n", 1)
        path = self.profiles / f"{name}.conf"
        path.write_text(text.replace("[Interface]\n", f"[Interface]\n{lines}", 1))
        path.chmod(0o600)
        return path

    def environment(self, **more: str) -> dict[str, str]:
        own = {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.runtime)}
        return program_environment(self.scratch) | own | more

    def argv(self, *words: str | bytes) -> list[str | bytes]:
        return [str(bindir() / "wireguard4netns"), *words]

    def who(self) -> dict[str, object]:
        """Options of subprocess for the user; nothing for the one who runs the test."""
        return {}

    def call(self, *words: str | bytes, **options) -> subprocess.CompletedProcess[str]:
        """The program to its end; options as of subprocess.run(), and `environment`."""
        options = {
            "env": self.environment() | options.pop("environment", {}),
            "capture_output": True,
            "text": True,
            "timeout": 3 * PATIENCE_S,
            "cwd": self.home,
        } | self.who() | options
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(self.argv(*words), check=False, **options)

    def run_in(self, *command: str | bytes, options: Sequence[str] = (), **more) -> subprocess.CompletedProcess[str]:
        """`run` with the profile."""
        return self.call("run", *options, "work", "--", *command, **more)

    def start(self, *words: str | bytes, **options) -> subprocess.Popen[bytes]:
        """The program in the background, which ends with the test at the latest."""
        options = {
            "env": self.environment(),
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": self.scratch.file("stderr.log").open("w"),
            "cwd": self.home,
            "bufsize": 0,
        } | self.who() | options
        process = subprocess.Popen(self.argv(*words), **options)
        self.addCleanup(self.end, process)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
        process.wait(PATIENCE_S)

    def assert_ends(
        self, done: subprocess.CompletedProcess[str], status: int = 0, out: str | None = None, err: str = ""
    ) -> None:
        self.assertEqual((done.returncode, done.stderr), (status, err), done.stdout)
        if out is not None:
            self.assertEqual(done.stdout, out)

    def assert_refused(
        self, done: subprocess.CompletedProcess[str], *says: str, status: int = OURS, nothing_left: bool = True
    ) -> None:
        """One sentence that says all of this, and nothing of it is left."""
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        lines = [line for line in done.stderr.splitlines() if "warning:" not in line]
        self.assertEqual(len(lines), 1, f"not one sentence:\n{done.stderr}")
        self.assertRegex(lines[0], r"^wireguard4netns: error: .{20,}")
        for text in says:
            self.assertIn(text, lines[0])
        if nothing_left:
            self.assert_user_left_nothing()

    def tunnels(self) -> dict[str, dict]:
        done = self.call("ps", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return json.loads(done.stdout)

    def processes(self, name: str) -> list[ProcessEntry]:
        """Ours of this name that were started by this test."""
        bury_orphans(self.known)
        return [e for e in descendants() if e.name == name and e.state != "Z" and e.pid not in self.known]

    def down(self, *words: str) -> None:
        self.assert_ends(self.call("down", *words), 0, "")

    def left(self) -> list[str]:
        """What of our program's there is now: processes and files."""
        found = [f"{entry.name} {entry.pid}" for entry in bury_orphans(self.known)]
        places = [self.runtime / harness.SOCKETS, *(self.runtime / harness.OWN / n for n in ("ns", harness.TUNNELS))]
        found += [str(path.relative_to(self.runtime)) for place in places for path in place.glob("*")]
        own = {harness.SOCKETS, harness.OWN}
        found += [path.name for path in self.runtime.iterdir() if path.name not in own] if self.runtime.is_dir() else []
        return found

    def assert_user_left_nothing(self, seconds: float = 3) -> None:
        found: list[str] = []

        def none() -> bool:
            found[:] = self.left()
            return not found

        if not wait_until(none, seconds):
            for entry in bury_orphans(self.known):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(entry.pid, signal.SIGKILL)
            raise AssertionError(f"left behind: {', '.join(found)}")

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        self.assertTrue(wait_until(condition, 5), what)
