"""`kill -9` of either program at any moment: nothing stays behind, and the next start works.

The moments are chosen: before each system call by which a program does something to the world, strace kills it there.
Besides, there are moments by chance, for what lies between two calls.
"""

import contextlib
import dataclasses
import itertools
import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import harness
from fixtures import THEIRS, pair_on_loopback
from processes import PATIENCE_S, assert_only, descendants, read_line, wait_until
from program import SANITIZED, Wg4, bindir

ROUNDS = 20  # by chance
SLOW = 5 if SANITIZED else 1
LATEST_S = 0.06 * SLOW  # about as long as a start takes
HELPER_LATEST_S = 0.025 * SLOW

# By these calls a process has effects outside. A kill before one is a kill after the one before it.
DEEDS = set(
    """
    bind capset clone clone3 connect exit_group fork ioctl landlock_restrict_self link linkat listen memfd_create mkdir
    mkdirat mount move_mount pivot_root rename renameat renameat2 seccomp sendmsg sendto setns umount2 unlink unlinkat
    unshare vfork write
    """.split()
)


@dataclasses.dataclass(frozen=True)
class Moment:
    """Before a process's call number `count` of `name`."""

    name: str
    count: int

    def __str__(self) -> str:
        return f"before {self.name} number {self.count}"


class Strace:
    """Records the calls of one process, and can kill it before a call. It ends when the process ends."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def command(self, kill: Moment | None = None) -> list[str]:
        options = [f"--inject={kill.name}:signal=KILL:when={kill.count}"] if kill else []
        return ["strace", "-o", str(self._trace), *options]

    def killed(self) -> bool:
        return "+++ killed by SIGKILL" in self._trace.read_text()

    def moments(self) -> Iterator[Moment]:
        """Those before the deeds of a process that has ended; of a row of the same deeds the first and the last."""
        seen: Counter[str] = Counter()
        deeds = []
        for name, arguments in re.findall(r"^(\w+)\((.*)", self._trace.read_text(), re.MULTILINE):
            seen[name] += 1
            if name in DEEDS or "O_CREAT" in arguments:
                deeds.append(Moment(name, seen[name]))
        for _, row in itertools.groupby(deeds, lambda moment: moment.name):
            first, *others = row
            yield first
            yield from others[-1:]


class KillTestCase(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pair = pair_on_loopback(self)
        self.wg4(self.pair.other, self.pair.other_config)
        self.running = {entry.pid for entry in descendants()}

    def started(self, *prefix: str) -> Wg4:
        wg4 = Wg4(self.scratch, self.pair.one, self.pair.config, prefix=prefix)
        wg4.start()
        return wg4

    def check_next_start(self) -> None:
        with Wg4(self.scratch, self.pair.one, self.pair.config):
            self.assert_pings(self.pair.one, THEIRS, count=1)

    def strace(self) -> Strace:
        strace = Strace(self.scratch.file("trace"))
        if subprocess.run([*strace.command(), "true"], capture_output=True).returncode != 0:
            self.skipTest("this host lets no process trace another one")
        return strace

    def delays(self, latest_s: float) -> list[float]:
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        chance = random.Random(seed)
        return [chance.uniform(0, latest_s) for _ in range(ROUNDS)]


class HostProgram(KillTestCase):
    def whole_life(self, *prefix: str) -> int:
        """Started, up, told to end, unless it is killed before; its status once nothing of it is left."""
        wg4 = self.started(*prefix)
        with contextlib.suppress(AssertionError):
            wg4.wait_ready()
        wg4.close_fds()
        status = wg4.process.wait(PATIENCE_S)
        wg4.scratch.killed = True
        self.check_gone(wg4)
        return status

    def check_gone(self, wg4: Wg4) -> None:
        assert_only(self.running)
        wg4.assert_no_trace()

    def test_before_each_deed(self) -> None:
        strace = self.strace()
        self.assertEqual(self.whole_life(*strace.command()), 0)
        for moment in list(strace.moments()):
            with self.subTest(str(moment)):
                self.assertEqual(self.whole_life(*strace.command(moment)), -signal.SIGKILL)
        self.check_next_start()

    def test_by_chance(self) -> None:
        for delay in self.delays(LATEST_S):
            wg4 = self.started()
            time.sleep(delay)
            wg4.kill()
            with self.subTest(delay=delay):
                self.check_gone(wg4)
        self.check_next_start()

    def test_under_traffic(self) -> None:
        for _ in range(3):
            wg4 = self.enterContext(Wg4(self.scratch, self.pair.one, self.pair.config))
            with self.pair.other.tool("sink", THEIRS, "7000") as sink:
                read_line(sink)
                with self.pair.one.tool("source", THEIRS, "7000", "500"):
                    self.assertTrue(wait_until(lambda: self.pair.one.sent_bytes("wg0") > 1 << 20, 5))
                    wg4.kill()
                    assert_only(
                        self.running
                        | {entry.pid for entry in descendants() if "python" in entry.name}
                    )
                    wg4.assert_no_trace()



class Helper(KillTestCase):
    """Without its helper the program either goes on whole or ends with an error."""

    def test_before_each_deed(self) -> None:
        strace = self.strace()
        self.started_with(strace, None).stop()
        for moment in list(strace.moments()):
            wg4 = self.started_with(strace, moment)
            with self.subTest(str(moment)):
                self.check(wg4)
                self.assertTrue(strace.killed())
        self.check_next_start()

    def started_with(self, strace: Strace, moment: Moment | None) -> Wg4:
        """The program with its helper under strace."""
        words = " ".join(strace.command(moment))
        script = f'#!/bin/sh\nexec {words} {bindir()}/wg4netns-helper "$@"\n'
        helper = self.scratch.file("helper", script, 0o700)
        wg4 = self.started("env", f"WIREGUARD4NETNS_HELPER={helper}")
        if not moment:
            wg4.wait_ready()
        return wg4

    def test_by_chance(self) -> None:
        caught = 0
        for delay in self.delays(HELPER_LATEST_S):
            wg4 = self.started()
            time.sleep(delay)
            # The first children watch the target, tidy up and reload: test_sandbox.py has those.
            children = sorted(entry.pid for entry in descendants(wg4.pid) if entry.state != "Z")
            helpers = children[3:]
            for pid in helpers:
                wg4.kill(pid)
            caught += bool(helpers)
            with self.subTest(delay=delay):
                self.check(wg4)
        self.check_next_start()
        print(f"{caught} of {ROUNDS} kills hit a helper")

    def check(self, wg4: Wg4) -> None:
        try:
            wg4.wait_ready()
        except AssertionError:
            wg4.expect_end(1)
            self.assertIn("helper", wg4.log.read_text())
        else:
            self.assert_pings(self.pair.one, THEIRS, count=1)
            wg4.stop()
        assert_only(self.running)
        wg4.assert_no_trace()

    def test_stopped_it_does_not_hang_the_end(self) -> None:
        """A graceful end does not wait for processes that have nothing left to do."""
        wg4 = self.started()
        wg4.wait_ready()
        children = {entry.pid: entry.name for entry in descendants(wg4.pid)}
        for pid in (pid for pid, name in children.items() if name != "wg4netns-tidy"):
            os.kill(pid, signal.SIGSTOP)
        wg4.stop()


if __name__ == "__main__":
    harness.main()
