"""`kill -9` of either program at any moment: nothing stays behind, and the next start works."""

import os
import random
import signal
import time

import harness
from fixtures import THEIRS, pair_on_loopback
from processes import assert_only, descendants, read_line
from program import SANITIZED, Wg4

ROUNDS = 40
SLOW = 5 if SANITIZED else 1
LATEST_S = 0.06 * SLOW  # longer than a start takes: some kills hit a program that serves already
HELPER_LATEST_S = 0.025 * SLOW  # the helper is gone when its work is done


class Kill(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pair = pair_on_loopback(self)
        self.wg4(self.pair.other, self.pair.other_config)
        self.running = {entry.pid for entry in descendants()}

    def started(self) -> Wg4:
        wg4 = Wg4(self.scratch, self.pair.one, self.pair.config)
        wg4.start()
        return wg4

    def check_next_start(self) -> None:
        with Wg4(self.scratch, self.pair.one, self.pair.config):
            self.assert_pings(self.pair.one, THEIRS, count=1)

    def delays(self, latest_s: float) -> list[float]:
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        chance = random.Random(seed)
        return [chance.uniform(0, latest_s) for _ in range(ROUNDS)]

    def test_kill_of_the_host_program(self) -> None:
        for number, delay in enumerate(self.delays(LATEST_S)):
            wg4 = self.started()
            time.sleep(delay)
            wg4.kill()
            with self.subTest(delay=delay):
                assert_only(self.running)
                wg4.assert_no_trace()
            if number % 10 == 9:
                self.check_next_start()

    def test_kill_of_the_helper(self) -> None:
        """Without its helper the program either goes on whole or ends with an error."""
        caught = 0
        for number, delay in enumerate(self.delays(HELPER_LATEST_S)):
            wg4 = self.started()
            time.sleep(delay)
            # The first children are who watches the target, and who reloads: test_sandbox.py has those.
            children = sorted(entry.pid for entry in descendants(wg4.pid) if entry.state != "Z")
            helpers = children[2:]
            for pid in helpers:
                wg4.kill(pid)
            caught += bool(helpers)
            with self.subTest(delay=delay):
                self.check_after_helper(wg4)
            if number % 10 == 9:
                self.check_next_start()
        self.assertGreater(caught, 0, "no kill hit a helper")
        print(f"{caught} of {ROUNDS} kills hit a helper")

    def check_after_helper(self, wg4: Wg4) -> None:
        try:
            wg4.wait_ready(3)
        except AssertionError:
            wg4.expect_end(1)
            self.assertIn("helper", wg4.log.read_text())
        else:
            time.sleep(0.02)
            if wg4.process.poll() is None:
                self.assert_pings(self.pair.one, THEIRS, count=1)
                wg4.stop()
            else:
                wg4.expect_end(1)
        assert_only(self.running)
        wg4.assert_no_trace()

    def test_kill_under_traffic(self) -> None:
        for _ in range(3):
            wg4 = self.enterContext(Wg4(self.scratch, self.pair.one, self.pair.config))
            with self.pair.other.tool("sink", THEIRS, "7000") as sink:
                read_line(sink)
                with self.pair.one.tool("source", THEIRS, "7000", "500"):
                    time.sleep(0.2)
                    wg4.kill()
                    assert_only(
                        self.running
                        | {entry.pid for entry in descendants() if "python" in entry.name}
                    )
                    wg4.assert_no_trace()

    def test_stopped_helper_does_not_hang_the_end(self) -> None:
        """A graceful end does not wait for anybody."""
        wg4 = self.started()
        wg4.wait_ready()
        children = [entry.pid for entry in descendants(wg4.pid)]
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        wg4.stop()


if __name__ == "__main__":
    harness.main()
