"""The rights that the running program has given up, and that it still does its work."""

import os
import signal
import subprocess

import harness
from fixtures import THEIRS, Pair, pair_on_loopback
from namespaces import World
from probes import first_ping_within, transfer
from processes import descendants, is_idle, wait_until
from program import Wg4, bindir, program_environment
from wireguard import Identity, end_to_end

OUT_OF_ALL_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


class Sandbox(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pair: Pair = pair_on_loopback(self)
        self.wg4(self.pair.other, self.pair.other_config)

    def ours(self, **options) -> Wg4:
        wg4 = self.wg4(self.pair.one, self.pair.config, **options)
        self.assert_pings(self.pair.one, THEIRS, count=2)
        return wg4

    def shown(self, wg4: Wg4) -> str:
        done = subprocess.run(
            [str(bindir() / "wireguard4netns"), "show"],
            capture_output=True,
            text=True,
            check=True,
            env=program_environment(self.scratch),
        )
        return done.stdout

    def test_by_default(self) -> None:
        wg4 = self.ours(options=["--log-level=debug"])
        self.assert_confined(wg4.pid)
        self.assertEqual(int(wg4.status_field("CapBnd"), 16), 0)
        self.assertNotIn("does without", wg4.log.read_text())
        others = {entry.name: entry.pid for entry in descendants(wg4.pid)}
        self.assertEqual(set(others), {"wg4netns-reload", "wg4netns-watch", "wg4netns-tidy"})
        for pid in others.values():
            self.assert_confined(pid)
        self.assertIn("sandbox: whole", self.shown(wg4))

    def test_every_thread(self) -> None:
        """They are started in the sandbox, and move packets there."""
        wg4 = self.ours(options=["--threads=3", "--sandbox=on"])
        transfer(self.pair.one, self.pair.other, THEIRS, 50)
        self.assertEqual(wg4.status_field("Threads"), "3")
        self.assert_confined(wg4.pid)
        wg4.stop()

    def test_required(self) -> None:
        for option in ("--sandbox=on", "--enable-sandbox", "--create-sandbox", "--enable-seccomp"):
            with self.subTest(option):
                wg4 = self.ours(options=[option])
                self.assert_confined(wg4.pid)
                wg4.stop()

    def test_off(self) -> None:
        for prefix, options in (
            ([], ["--sandbox=off"]),
            (["env", "WIREGUARD4NETNS_SANDBOX=off"], []),
            ([], ["--sandbox=off", "--enable-sandbox", "--enable-seccomp"]),
        ):
            with self.subTest(prefix=prefix, options=options):
                wg4 = self.ours(prefix=prefix, options=options)
                self.assertIn("sandbox: off", self.shown(wg4))
                self.assertEqual(wg4.status_field("Seccomp"), "0")
                self.assertEqual(wg4.status_field("NoNewPrivs"), "1")
                wg4.stop()

    def test_command_line_beats_the_environment(self) -> None:
        wg4 = self.ours(prefix=["env", "WIREGUARD4NETNS_SANDBOX=off"], options=["--sandbox=on"])
        self.assert_confined(wg4.pid)

    def test_without_its_watcher(self) -> None:
        """It would miss the namespace's end: it ends with an error."""
        wg4 = self.ours()
        (watcher,) = (entry for entry in descendants(wg4.pid) if entry.name == "wg4netns-watch")
        os.kill(watcher.pid, signal.SIGKILL)
        wg4.expect_end(1)
        self.assertIn("watches for the namespace's end was killed", wg4.log.read_text())


class HostThatForbids(harness.TestCase):
    """No new user or mount namespaces: as in a container, or on a hardened host."""

    def setUp(self) -> None:
        super().setUp()
        self.host = self.namespace(mount=True)
        self.target = self.namespace(self.host)
        limits = "/proc/sys/user/max_user_namespaces /proc/sys/user/max_mnt_namespaces"
        self.host.run("sh", "-c", f"for limit in {limits}; do echo 0 >$limit; done")
        self.config = end_to_end(Identity(), Identity(), 1)

    def start(self, *options: str, prefix: list[str] | None = None) -> Wg4:
        wg4 = Wg4(
            self.scratch,
            self.target,
            self.config,
            where=self.host,
            options=options,
            prefix=prefix or [],
        )
        wg4.start()
        return wg4

    def test_auto_does_without(self) -> None:
        for prefix in ([], OUT_OF_ALL_CAPABILITIES):
            with self.subTest(prefix=prefix):
                wg4 = self.start("--enable-seccomp", prefix=prefix)
                wg4.wait_ready()
                self.assert_confined(wg4.pid)
                said = "sandbox: the tunnel does without empty root directory: .*"
                self.assertRegex(wg4.log.read_text(), said)
                wg4.stop()

    def test_required_it_is_an_error(self) -> None:
        for prefix, option, why in (
            ([], "--sandbox=on", "No space left"),
            ([], "--enable-sandbox", "No space left"),
            (OUT_OF_ALL_CAPABILITIES, "--sandbox=on", "max_user_namespaces"),
        ):
            with self.subTest(prefix=prefix, option=option):
                wg4 = self.start(option, prefix=prefix)
                wg4.expect_end(1)
                text = wg4.log.read_text()
                self.assertIn("error: sandbox, empty root directory: ", text)
                self.assertIn(why, text)
                self.assertIn("--sandbox=off", text)

    def test_off_switch_of_engines(self) -> None:
        wg4 = self.start("--enable-sandbox", prefix=["env", "WIREGUARD4NETNS_SANDBOX=off"])
        wg4.wait_ready()
        wg4.stop()


class Names(harness.TestCase):
    """The name of an endpoint moves while the program has no file system and no sockets to ask."""

    def setUp(self) -> None:
        super().setUp()
        self.world = self.enterContext(World())
        self.nowhere = World.FAR.replace(".2", ".3")
        self.hosts = self.scratch.file("hosts", f"{self.nowhere} peer.test\n", 0o644)
        self.world.host.run("mount", "--bind", str(self.hosts), "/etc/hosts")
        self.target, other = self.namespace(self.world.host), self.namespace(self.world.far)
        self.ours, self.theirs = Identity(), Identity()
        answer = end_to_end(self.theirs, self.ours, 2)
        answer.port = 5002
        self.wg4(other, answer, where=self.world.far)

    def start(self, endpoint: str) -> Wg4:
        config = end_to_end(self.ours, self.theirs, 1, endpoint=endpoint)
        return self.wg4(
            self.target, config, where=self.world.host, options=["--log-level=debug"]
        )

    def resolvers(self, wg4: Wg4) -> list[int]:
        return [entry.pid for entry in descendants(wg4.pid) if entry.name == "wg4netns-names"]

    def reload(self, wg4: Wg4, outcome: str) -> None:
        os.kill(wg4.pid, signal.SIGHUP)
        self.assertTrue(wait_until(lambda: outcome in wg4.log.read_text(), 20), wg4.log.read_text())

    def assert_follows(self, wg4: Wg4) -> None:
        self.assert_no_ping(self.target, THEIRS)
        self.hosts.write_text(f"{World.FAR} peer.test\n")
        print(f"found after {first_ping_within(self.target, THEIRS, 20):.1f} s")
        self.assertIn(f"peer.test:5002 is {World.FAR}:5002", wg4.log.read_text())

    def test_name_is_looked_up_again(self) -> None:
        wg4 = self.start("peer.test:5002")
        (resolver,) = self.resolvers(wg4)
        self.assert_confined(resolver)
        self.assert_follows(wg4)

    def test_a_resolver_that_dies_costs_nothing(self) -> None:
        wg4 = self.start("peer.test:5002")
        (resolver,) = self.resolvers(wg4)
        os.kill(resolver, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: "has ended: endpoints stay" in wg4.log.read_text(), 5))
        self.assertTrue(wait_until(lambda: is_idle(wg4.pid), 5))
        self.assertEqual(wg4.log.read_text().count("has ended: endpoints stay"), 1)

    def test_name_that_a_reload_has_brought(self) -> None:
        """It has the very address that was in its place."""
        wg4 = self.start(f"{self.nowhere}:5002")
        self.assertEqual(self.resolvers(wg4), [])
        text = wg4.config_path.read_text()
        wg4.config_path.write_text(text.replace(f"{self.nowhere}:", "peer.test:"))
        self.reload(wg4, "nothing has changed")
        self.assertTrue(wait_until(lambda: len(self.resolvers(wg4)) == 1, 5))
        self.assert_follows(wg4)
        self.assert_confined(self.resolvers(wg4)[0])

    def test_name_that_had_moved_at_a_reload(self) -> None:
        wg4 = self.start("peer.test:5002")
        elsewhere = World.FAR.replace(".2", ".4")
        self.hosts.write_text(f"{elsewhere} peer.test\n")
        self.reload(wg4, ": taken over from ")
        self.assert_follows(wg4)

    def test_name_that_a_reload_has_taken_away(self) -> None:
        wg4 = self.start("peer.test:5002")
        text = wg4.config_path.read_text()
        wg4.config_path.write_text(text.replace("peer.test:", f"{self.nowhere}:"))
        self.reload(wg4, "nothing has changed")
        self.hosts.write_text(f"{World.FAR} peer.test\n")
        for _ in range(4):  # a handshake is tried again after five seconds
            self.assert_no_ping(self.target, THEIRS)
        self.assertNotIn(f"peer.test:5002 is {World.FAR}:5002", wg4.log.read_text())


if __name__ == "__main__":
    harness.main()
