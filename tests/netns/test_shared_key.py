"""One key, one tunnel: a second one on the same host is refused, until the first has ended."""

import contextlib
import subprocess
import time

import harness
from fixtures import THEIRS, pair_on_loopback
from namespaces import World
from processes import wait_until
from program import Wg4, bindir, program_environment


class SharedKey(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pair = pair_on_loopback(self)
        self.wg4(self.pair.other, self.pair.other_config)
        self.second = self.namespace()

    def first(self) -> Wg4:
        return self.wg4(self.pair.one, self.pair.config)

    def run_second(self, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Ends by itself, or is ended once it serves."""
        config = self.scratch.file("second.conf", self.pair.config.for_wg_quick())
        command = [bindir() / "wireguard4netns", "--config", config, *options, str(self.second.pid)]
        timed = ["timeout", "--preserve-status", "4", *command]
        return subprocess.run(
            timed,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env=program_environment(self.scratch, **environment),
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
        for options, environment in (
            (["--allow-shared-key"], {}),
            ([], {"WIREGUARD4NETNS_ALLOW_SHARED_KEY": "1"}),
        ):
            allowed = self.run_second(*options, **environment)
            self.assertEqual(allowed.returncode, 0, allowed.stderr)
            self.assertIn("warning: the private key is in use by process", allowed.stderr)

    def test_free_again_whatever_ended_the_first(self) -> None:
        for end in (Wg4.stop, Wg4.kill):
            first = Wg4(self.scratch, self.pair.one, self.pair.config)
            first.start()
            first.wait_ready()
            end(first)
            with Wg4(self.scratch, self.second, self.pair.config):
                self.assert_pings(self.second, THEIRS, count=1)

    def test_one_that_is_just_ending_is_waited_for(self) -> None:
        first = self.first()
        second = Wg4(self.scratch, self.second, self.pair.config)
        second.start()
        time.sleep(0.5)
        self.assertIsNone(second.process.poll())
        first.stop()
        second.wait_ready()
        second.stop()

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
