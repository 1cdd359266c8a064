"""One key, one tunnel: a second one on the same host is refused, until the first has ended."""

import contextlib
import subprocess
import time

import harness
from fixtures import THEIRS, pair_on_loopback
from namespaces import World
from processes import PATIENCE_S, wait_until
from program import Wg4, bindir, program_environment

IN_TIME_S = 1.5  # the second one waits for two


class SharedKey(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pair = pair_on_loopback(self)
        self.wg4(self.pair.other, self.pair.other_config)
        self.second = self.namespace()

    def first(self) -> Wg4:
        return self.wg4(self.pair.one, self.pair.config)

    def run_second(self) -> subprocess.CompletedProcess[str]:
        """Ends by itself."""
        config = self.scratch.file("second.conf", self.pair.config.for_wg_quick())
        return subprocess.run(
            [bindir() / "wireguard4netns", "--config", config, str(self.second.pid)],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
            env=program_environment(self.scratch),
        )

    def test_refused_by_the_name_of_the_other(self) -> None:
        first = self.first()
        before = self.second.snapshot()
        refused = self.run_second()
        self.assertEqual(refused.returncode, 1)
        holder = f"in use by process {first.pid}, for process {self.pair.one.pid}. Two tunnels"
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

    def test_free_again_whatever_ended_the_first(self) -> None:
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


if __name__ == "__main__":
    harness.main()
