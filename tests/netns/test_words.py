"""Words in the wrong place of the command line: an error with the right line, and nothing is made."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import harness
from fixtures import pair_on_loopback
from namespaces import World
from processes import descendants, wait_until
from program import bindir, program_environment

QUICK = {"WG_QUICK_USERSPACE_IMPLEMENTATION": "wireguard4netns"}


class WordsCase(harness.TestCase):
    """`self.folder` is where commands are run."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = self.scratch.folder / "99-here"
        self.folder.mkdir()

    def place(self, name: str, text: str = "") -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def run_program(self, *arguments: str, where=None, **environment: str):
        command = [str(bindir() / "wireguard4netns"), *arguments]
        here = ("sh", "-c", 'cd "$0" && exec "$@"', str(self.folder), *command)
        return subprocess.run(
            where.command(*here) if where else here,
            env=program_environment(self.scratch, **environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def assert_refused(self, says: str, *arguments: str, **options) -> None:
        with self.subTest(arguments=arguments):
            done = self.run_program(*arguments, **options)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertRegex(done.stderr, r"^wireguard4netns: error: [^\n]*\n$")
            self.assertIn(says, done.stderr)
            self.assertNotIn("root", done.stderr)


class Attach(WordsCase):
    """PID IFNAME CONF, with one of them left out, or two exchanged; there is a default.conf."""

    def setUp(self) -> None:
        super().setUp()
        pair = pair_on_loopback(self)
        self.target = pair.one
        self.pid = str(self.target.pid)
        configs = self.scratch.folder / ".config"
        self.addCleanup(shutil.rmtree, configs)
        (configs / "wireguard4netns").mkdir(parents=True)
        default = configs / "wireguard4netns" / "default.conf"
        default.write_text(pair.config.for_wg_quick())
        default.chmod(0o600)
        self.other = self.place("other.conf", pair.config.for_wg_quick())
        before = self.target.snapshot()
        self.addCleanup(lambda: self.assertEqual(self.target.snapshot(), before))

    def test_a_configuration_in_the_place_of_the_name(self) -> None:
        for word in ("other.conf", "./other.conf", str(self.other)):
            self.assert_refused(
                f"{word} is a file: wireguard4netns PID wg0 {word}\n", self.pid, word
            )
        self.assert_refused(
            "missing.conf is a file's name, though there is no such file: wireguard4netns PID wg0 missing.conf",
            self.pid,
            "missing.conf",
        )
        self.place("home")
        self.assert_refused("home is a file: wireguard4netns PID wg0 home", self.pid, "home")
        self.assert_refused("other.conf is a file", "--profile=x", self.pid, "other.conf")

    def test_two_words_exchanged(self) -> None:
        line = "other.conf is a file: wireguard4netns PID wg7 other.conf\n"
        self.assert_refused(line, self.pid, "other.conf", "wg7")
        for words in (("other.conf", self.pid), ("other.conf", self.pid, "wg0")):
            self.assert_refused("other.conf is a file: wireguard4netns PID wg0", *words)

    def test_a_command_that_is_misspelt(self) -> None:
        for word in ("chekc", "prfile"):
            self.assert_refused("Did you mean", word, "other.conf")

    def test_the_namespace_left_out(self) -> None:
        self.assert_refused("wireguard4netns PID wg0 other.conf", "wg0", "other.conf")
        says = "'wg0' is neither a PID, nor the path of a namespace, nor a command. The line is: "
        self.assert_refused(says, "--config", "other.conf", "wg0")

    def test_commands_that_there_are_not(self) -> None:
        for words, meant in (
            (("status", "wg0"), "`show`"),
            (("shwo", "wg0"), "`show`"),
            (("status", "--json"), "`show`"),
            (("relaod", "wg0"), "`reload`"),
            (("chekc", "other.conf"), "`check`"),
            (("start", "wg0"), "A tunnel is started by: wireguard4netns up PROFILE, or PID wg0 CONF"),
            (("stop", "wg0"), "`down`"),
            (("set", "wg0", "peer"), "`wg`"),
            ((self.pid, "show"), "'show' is a command, not the name of an interface"),
        ):
            self.assert_refused(meant, *words)

    def test_a_file_with_the_name_of_an_interface_changes_nothing(self) -> None:
        """Engines start us wherever they are."""
        for name in ("wg0", "tap0"):
            self.place(name)
            done = self.run_program(self.pid, name, "--mtu=0")
            self.assertIn("--mtu", done.stderr)

    def test_a_profile_with_its_ending(self) -> None:
        says = "The file profiles/blue.conf is the profile blue; for other files use --config"
        self.assert_refused(says, "--profile", "blue.conf", self.pid)
        self.assert_refused(says, self.pid, WIREGUARD4NETNS_PROFILE="blue.conf")


class Alone(WordsCase):
    """One word, and the rights to make an interface of it: wireguard-go's place, or not."""

    def setUp(self) -> None:
        super().setUp()
        self.world = self.enterContext(World())
        self.host = self.world.host
        self.before = self.host.links()

    def links(self) -> set[str]:
        return set(self.host.links()) - set(self.before)

    def assert_not_made(self, says: str, *words: str, **environment: str) -> None:
        self.assert_refused(says, *words, where=self.host, **environment)
        self.assertEqual(self.links(), set())

    def assert_made(self, *words: str, **environment: str) -> None:
        name = words[-1]
        with self.subTest(words=words):
            done = self.run_program(*words, where=self.host, **environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.links(), {name})
            self.delete(name)

    def delete(self, name: str) -> None:
        """The program goes with its interface."""
        self.host.ip(f"link del {name}")
        running = [entry.pid for entry in descendants() if entry.name == "wireguard4netn"]
        for pid in running:
            self.assertTrue(wait_until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), 5))

    def test_files(self) -> None:
        self.place("vpn.conf")
        self.place("vpn")
        self.place("wg-file")
        line = "vpn.conf is a file: wireguard4netns PID wg0 vpn.conf\n"
        self.assert_not_made(line, "vpn.conf")
        self.assert_not_made(line, "-f", "vpn.conf")
        self.assert_not_made(line, "vpn.conf", **QUICK)
        self.assert_not_made("wg0.conf is a file's name", "wg0.conf")
        self.assert_not_made("if it is a namespace: wireguard4netns ./vpn;", "vpn")
        self.assert_not_made("wireguard4netns -f wg-file", "wg-file")

    def test_commands(self) -> None:
        for word, meant in (
            ("status", "`show`"),
            ("shwo", "`show`"),
            ("docter", "`doctor`"),
            ("genkeys", "`genkey`"),
            ("up", "Put a wg-quick file there"),
            ("stop", "`down`"),
            ("help", "--help"),
        ):
            self.assert_not_made(meant, word)

    def test_containers(self) -> None:
        for word in ("mycontainer", "box1", "eth0"):
            says = f"'{word}' is neither a PID, nor the path of a namespace, nor a command"
            self.assert_not_made(says, word)
            self.assert_not_made(f"wireguard4netns -f {word}", word)

    def test_names_of_wireguard_interfaces(self) -> None:
        for word in ("wg0", "wg-work", "wgvpn", "utun7"):
            self.assert_made(word)

    def test_any_name_for_wg_quick(self) -> None:
        """Even one that means something else here, and with any files in the folder."""
        self.place("mullvad-us1")
        for word in ("mullvad-us1", "home", "status", "box1"):
            self.assert_made(word, **QUICK)

    def test_by_the_name_of_wireguard_go(self) -> None:
        link = self.folder / "wireguard-go"
        link.symlink_to(bindir() / "wireguard4netns")
        command = self.host.command(str(link), "home")
        environment = program_environment(
            self.scratch, WIREGUARD4NETNS_HELPER=str(bindir() / "wg4netns-helper")
        )
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=20, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.links(), {"home"})
        self.delete("home")


if __name__ == "__main__":
    harness.main()
