"""`run` many times, many at once, and with each of its processes killed at any moment: nothing is left, and the next
start works.

WG4_ROUNDS=1000 in the environment makes it longer.
"""

from __future__ import annotations

import collections
import contextlib
import os
import random
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import harness
from processes import PATIENCE_S, ProcessEntry, bury_orphans, descendants, wait_until
from run_case import OURS, RunCase

ROUNDS = int(os.environ.get("WG4_ROUNDS", "25"))
AT_ONCE = 50
TRIES = 50
LATEST_S = (0.05, 0.4)  # while it starts, and when all of it runs
TIDY = "wg4netns-tidy"  # removes the files of a tunnel that was killed, but not if it was itself
HELPER = "wg4netns-helper"  # lives for some milliseconds
HELPER_S = 0.003
FORKED = ("keeper", "tunnel", "command")  # by the client, in this order
ROLES = ("client", *FORKED, TIDY, "wg4netns-reload", HELPER)


def who_is_who(client: int) -> dict[str, int]:
    """The PID of each role in a `run` of which nobody has ended so far. The tunnel's children go by their names."""
    below = descendants(client)
    found = {"client": client} | dict(zip(FORKED, sorted(entry.pid for entry in below if entry.parent == client)))
    return found | {entry.name: entry.pid for entry in below if entry.parent != client and entry.name in ROLES}


class StormCase(RunCase):
    def setUp(self) -> None:
        super().setUp()
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        self.chance = random.Random(seed)


class Starts(StormCase):
    def test_in_a_row(self) -> None:
        for _ in range(ROUNDS):
            self.assert_ends(self.run_in("true"), 0, "")
            self.assertEqual(bury_orphans(self.known), [], "still there when `run` had ended")
        self.assert_user_left_nothing()

    def test_up_and_down_in_a_row(self) -> None:
        for _ in range(ROUNDS):
            self.assertEqual(self.call("up", "work").returncode, 0)
            self.down("work")
        self.assert_user_left_nothing()

    def test_at_once_in_one_tunnel(self) -> None:
        for _ in range(1 + ROUNDS // 100):
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for done in pool.map(lambda _: self.run_in("true"), range(AT_ONCE)):
                    self.assert_ends(done, 0, "")
            self.assert_user_left_nothing()

    def test_at_once_in_own_tunnels(self) -> None:
        for number in range(AT_ONCE):
            key = self.call("genkey").stdout.strip()
            path = self.profile(f"own{number}")
            path.write_text(re.sub(r"PrivateKey = .*", f"PrivateKey = {key}", path.read_text()))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ends = pool.map(lambda n: self.call("run", f"own{n}", "--", "true"), range(AT_ONCE))
            for done in ends:
                self.assert_ends(done, 0, "")
        self.assert_user_left_nothing()


class Kills(StormCase):
    """One process is killed at a moment that is picked by chance."""

    def setUp(self) -> None:
        super().setUp()
        self.scratch.killed = True
        self.hit: collections.Counter[str] = collections.Counter()

    def kill_one(self, candidates: list[ProcessEntry]) -> str:
        """Its name."""
        by_name: dict[str, list[ProcessEntry]] = {}
        for entry in candidates:
            by_name.setdefault(entry.name, []).append(entry)
        if not by_name:
            return "nobody"
        name = self.chance.choice(sorted(by_name))
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.chance.choice(by_name[name]).pid, signal.SIGKILL)
        self.hit[name] += 1
        return name

    def candidates(self) -> list[ProcessEntry]:
        return [entry for entry in descendants() if entry.pid not in self.known and entry.state != "Z"]

    def check_nothing_runs(self, what: str) -> None:
        left: list[str] = []

        def alone() -> bool:
            left[:] = [f"{entry.name} {entry.pid}" for entry in bury_orphans(self.known)]
            return not left

        self.assertTrue(wait_until(alone, 2), f"{what}: {left}")

    def check_next(self, what: str) -> None:
        self.assertEqual(self.tunnels(), {}, what)
        self.assertFalse(any((self.runtime / "wireguard4netns/ns").glob("*")), what)
        self.assert_ends(self.run_in("true"), 0, "")

    def client_ends(self, client: subprocess.Popen[bytes], what: str) -> int:
        try:
            return client.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{what}: the client hangs") from None

    def kill_role(self, client: subprocess.Popen[bytes], role: str) -> str:
        """What was killed, and when; "" if a helper has come and gone unseen."""
        began = time.monotonic()
        if role != HELPER:
            time.sleep(self.chance.uniform(0, self.chance.choice(LATEST_S)))
        while role not in (found := who_is_who(client.pid)):
            missed = role == HELPER and "command" in found
            if missed or client.poll() is not None:
                return ""
        if role == HELPER:
            time.sleep(self.chance.uniform(0, HELPER_S))
        try:
            os.kill(found[role], signal.SIGKILL)
        except ProcessLookupError:
            return ""
        self.hit[role] += 1
        return f"{role} killed after {time.monotonic() - began:.3f} s"

    def kill_in_a_run(self, role: str) -> str:
        """kill_role() in a `run` of its own, which ends."""
        client = self.start("run", "work", "--", "sleep", "1000")
        what = self.kill_role(client, role)
        time.sleep(self.chance.choice((0, 0.05)))
        client.terminate()
        status = self.client_ends(client, what)
        self.assertIn(status, (OURS, -signal.SIGKILL, -signal.SIGTERM, 128 + 9, 128 + 15), what)
        self.check_nothing_runs(what)
        self.assertEqual(self.tunnels(), {}, what)
        return what

    def test_of_run(self) -> None:
        """Each of its processes as often as the others."""
        order = [role for role in ROLES for _ in range(ROUNDS // 5)]
        self.chance.shuffle(order)
        for number, role in enumerate(order):
            for _ in range(TRIES):
                if what := self.kill_in_a_run(role):
                    break
            else:
                self.fail(f"{TRIES} times there was no {role}")
            if number % 5 == 0:
                self.check_next(what)
        self.check_next("the end")
        self.forget_files()
        print(dict(self.hit))

    def test_of_a_tunnel_that_is_up(self) -> None:
        """`up`, and commands in it: whichever process is killed, `down` and the next `up` work."""
        for _ in range(max(5, ROUNDS // 5)):
            up = self.start("up", "work")
            commands = [self.start("run", "work", "--", "sleep", "1000") for _ in range(3)]
            time.sleep(self.chance.uniform(0, 2 * self.chance.choice(LATEST_S)))
            what = f"{self.kill_one(self.candidates())} killed"
            self.client_ends(up, what)
            self.call("down", "--force", "work")
            for client in commands:
                # One that came late has made a tunnel of its own.
                client.terminate()
                self.client_ends(client, what)
            self.call("down", "--force", "work")
            self.check_nothing_runs(what)
            self.check_next(what)
        self.forget_files()
        print(dict(self.hit))

    def forget_files(self) -> None:
        """The next tunnel of the name removes the files of a killed one; a look into the registry removes its entry."""
        self.call("show", "nobody")
        if self.hit[TIDY]:
            (self.runtime / harness.SOCKETS / "work.sock").unlink(missing_ok=True)


if __name__ == "__main__":
    harness.main()
