"""A file's name may lead to anything: nothing hangs on it, nothing is read or written that is no file."""

from __future__ import annotations

import os
import re
import subprocess

import harness
from processes import PATIENCE_S
from program import bindir, program_environment
from test_errors import Failure, FailureTestCase

PROGRAM = str(bindir() / "wireguard4netns")


class Configuration(FailureTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.config = self.scratch.file("good.conf", self.good)
        self.folder = self.scratch.folder / "00-config"
        self.profiles = self.folder / "wireguard4netns/profiles"
        self.profiles.mkdir(parents=True)

    def environment(self) -> dict[str, str]:
        return program_environment(self.scratch, XDG_CONFIG_HOME=str(self.folder))

    def fifo(self, name: str = "00-fifo") -> str:
        path = self.scratch.folder / name
        os.mkfifo(path, 0o600)
        return str(path)

    def assert_serves(self, *command: str) -> None:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.environment())
        assert process.stderr
        self.assertIn(f"wg0 in process {self.pid}", process.stderr.readline())
        process.terminate()
        _, said = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 0, said)

    def test_paths_that_are_no_regular_files(self) -> None:
        huge = self.scratch.file("huge.conf")
        os.truncate(huge, 1 << 40)
        for name, says in (
            ("/dev/zero", "is a device"),
            ("/dev/tty", "is a device"),
            (str(self.scratch.folder), "is a directory"),
            (str(huge), "larger than 64 MiB"),
        ):
            for words in (["--config", name, self.pid], ["check", name]):
                self.check_run(Failure(name, [], [re.escape(name), says]), [PROGRAM, *words])

    def test_a_fifo_that_nobody_writes_to(self) -> None:
        """In the place of each command's configuration, at once: each waits for a while, and none for ever."""
        fifo = self.fifo()
        running = [
            subprocess.Popen(
                [PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            for words in ([self.pid, "wg0", fifo], ["check", fifo], ["doctor", fifo])
        ]
        for process in running:
            said, _ = process.communicate(timeout=PATIENCE_S)
            self.assertEqual(process.returncode, 1, said)
            self.assertIn(f"configuration {fifo} has no end", said)

    def test_a_pipe_of_a_shell(self) -> None:
        def run(line: str, *more: str) -> subprocess.CompletedProcess[str]:
            words = ["bash", "-c", line, "bash", PROGRAM, str(self.config), *more]
            return subprocess.run(
                words, capture_output=True, text=True, check=False, timeout=PATIENCE_S, env=self.environment()
            )

        for line in (
            '"$1" check <(cat "$2")',
            '"$1" check <(sleep 1; cat "$2")',
            '"$1" check /dev/stdin <"$2"',
            'cat "$2" | "$1" check /dev/stdin',
        ):
            done = run(line)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("10.77.0.1", done.stdout)
        self.assert_serves("bash", "-c", 'exec "$0" "$2" wg0 <(cat "$1")', PROGRAM, str(self.config), self.pid)
        endless = run('"$1" check <(yes "# more")')
        self.assertEqual(endless.returncode, 1)
        self.assertRegex(endless.stderr, "/dev/fd/[0-9]+ is larger than 64 MiB")

    def test_a_profile_stays_in_its_folder(self) -> None:
        (self.profiles / "good.conf").write_text(self.good)
        (self.profiles / "good.conf").chmod(0o600)
        (self.profiles / "link.conf").symlink_to("good.conf")
        (self.profiles / "out.conf").symlink_to(self.config)
        (self.profiles / "up.conf").symlink_to("../../../" + self.config.name)
        (self.profiles / "device.conf").symlink_to("/dev/zero")
        self.fifo("00-config/wireguard4netns/profiles/fifo.conf")
        for name, says in (
            ("out", "out: .* name that file with --config"),
            ("up", "up: .* name that file with --config"),
            ("device", "device: .* name that file with --config"),
            ("fifo", "fifo is a FIFO"),
            ("../default", "cannot be the name of a profile"),
            (str(self.config)[:-5], "cannot be the name of a profile"),
            (".hidden", "cannot be the name of a profile"),
        ):
            for words, more in (
                (["--profile", name, self.pid], {}),
                ([self.pid], {"WIREGUARD4NETNS_PROFILE": name}),
            ):
                failure = Failure(name, [], [says])
                self.check_run(failure, [PROGRAM, *words], XDG_CONFIG_HOME=str(self.folder), **more)
        for name in ("good", "link"):
            self.assert_serves(PROGRAM, "--profile", name, self.pid)

    def test_a_pid_file_is_a_file(self) -> None:
        mine = self.scratch.file("mine", "mine\n")
        link = self.scratch.folder / "00-link.pid"
        link.symlink_to(mine)
        for path in (self.fifo("00-fifo.pid"), str(link), "/dev/null"):
            words = ["pasta", "--config", str(self.config), "--pid", path, "--netns", self.target.path]
            for more in ([], ["--foreground"]):
                self.check_run(Failure(path, [], ["the pid file " + re.escape(path)]), [PROGRAM, *words, *more])
        self.assertEqual(mine.read_text(), "mine\n")


if __name__ == "__main__":
    harness.main()
