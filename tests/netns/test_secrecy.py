"""While a key comes into memory, nobody of the same user can read it there: not later, when it serves, and not before.

(What a process that serves gives up is in test_sandbox.py.)
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import harness
from fixtures import pair_on_loopback
from processes import PATIENCE_S, descendants, wait_until
from program import bindir, program_environment

PROGRAM = str(bindir() / "wireguard4netns")
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
LIBC = ctypes.CDLL(None, use_errno=True)


def can_read_memory(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/mem", "rb"):
            return True
    except PermissionError:
        return False


def can_trace(pid: int) -> bool:
    if LIBC.ptrace(PTRACE_ATTACH, pid, None, None) != 0:
        return False
    os.waitpid(pid, 0)
    LIBC.ptrace(PTRACE_DETACH, pid, None, None)
    return True


class Memory(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pair = pair_on_loopback(self)
        self.text = self.pair.config.for_wg_quick()
        self.config = self.scratch.file("good.conf", self.text)
        self.fifo = self.scratch.folder / "00-fifo"
        os.mkfifo(self.fifo, 0o600)

    def assert_closed(self, pid: int, name: str = "") -> None:
        self.assertFalse(can_read_memory(pid), f"{name}: /proc/PID/mem")
        self.assertFalse(can_trace(pid), f"{name}: ptrace")

    @contextmanager
    def running(self, words: Sequence[str], **options) -> Iterator[subprocess.Popen[bytes]]:
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL} | options
        environment = program_environment(self.scratch)
        with subprocess.Popen([PROGRAM, *words], stderr=subprocess.DEVNULL, env=environment, **options) as process:
            try:
                yield process
            finally:
                process.kill()
                self.scratch.killed = True

    def test_the_probes_see_an_ordinary_process(self) -> None:
        with subprocess.Popen(["sleep", "100"]) as process:
            self.assertTrue(wait_until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n", PATIENCE_S))
            self.assertTrue(can_read_memory(process.pid))
            self.assertTrue(can_trace(process.pid))
            process.kill()

    def test_before_a_configuration_is_read(self) -> None:
        """A FIFO in its place holds the program just there."""
        pid, fifo = str(self.pair.one.pid), str(self.fifo)
        wg4 = self.wg4(self.pair.one, self.pair.config)
        (tunnel,) = (path.stem for path in (self.scratch.folder / harness.SOCKETS).glob("*.sock"))
        for words in (
            [pid, "wg0", fifo],
            ["--config", fifo, pid],
            ["check", fifo],
            ["doctor", fifo],
            ["reload", "--config", fifo, tunnel],
            ["serve", "--tun-fd", "0", "--config", fifo],
            ["pasta", "--config", fifo, "--netns", self.pair.one.path, "--foreground"],
        ):
            with self.subTest(words[0]), self.running(words) as process:
                with self.fifo.open("w"):  # opens once the program reads
                    self.assert_closed(process.pid, " ".join(words))
        self.assert_closed(wg4.pid, "which serves")

    def test_while_it_starts(self) -> None:
        """The key is there, the sandbox is not yet: everything that is ours by now waits for the helper."""
        slow = self.scratch.file("helper", f"#!/bin/sh\necho >{self.fifo}\nexec sleep 100\n", 0o700)
        with self.running([f"--helper={slow}", "--config", str(self.config), str(self.pair.one.pid)]) as process:
            self.fifo.read_text()
            names = {entry.pid: entry.name for entry in descendants(process.pid)} | {process.pid: "the program"}
            ours = {pid: name for pid, name in names.items() if not name.endswith(("helper", "sleep"))}
            self.assertGreaterEqual(len(ours), 3, names)  # one that watches, one that reloads
            for pid, name in ours.items():
                self.assert_closed(pid, name)

    def test_commands_that_make_and_take_keys(self) -> None:
        with self.running(["pubkey"], stdin=subprocess.PIPE) as process:
            assert process.stdin
            process.stdin.write(self.pair.config.private[:20].encode())
            process.stdin.flush()
            self.assertTrue(wait_until(lambda: not can_read_memory(process.pid), PATIENCE_S))
            self.assert_closed(process.pid, "pubkey")
        for command in ("genkey", "genpsk"):
            reader, writer = os.pipe()
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
            os.write(writer, bytes(4096))  # full: it has to wait
            with self.running([command], stdout=writer) as process:
                self.assertTrue(wait_until(lambda pid=process.pid: not can_read_memory(pid), PATIENCE_S))
                self.assert_closed(process.pid, command)
            os.close(reader)
            os.close(writer)

    def test_a_hooks_tunnel(self) -> None:
        bundle = self.scratch.folder / "00-bundle"
        (bundle / "rootfs/etc").mkdir(parents=True)
        (bundle / "config.json").write_text('{"root":{"path":"rootfs"}}')
        state = (
            f'{{"id":"0123456789ab","pid":{self.pair.one.pid},"bundle":"{bundle}",'
            '"annotations":{"io.wireguard4netns.ifname":"wg0"}}'
        )
        words = ["oci-hook", "createRuntime", "--allow-annotations=ifname", "--config", str(self.fifo)]
        with self.running(words, stdin=subprocess.PIPE) as process:
            assert process.stdin
            process.stdin.write(state.encode())
            process.stdin.close()
            with self.fifo.open("w"):
                for entry in descendants(process.pid):
                    self.assert_closed(entry.pid, entry.name)
                self.assert_closed(process.pid, "the hook")


if __name__ == "__main__":
    harness.main()
