"""`run`, `up`, `exec` where they cannot work: one sentence with the next step, the right status, nothing left."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Sequence

import harness
from program import bindir
from run_case import OURS, RunCase


class RefusedCase(RunCase):
    peer_answers = False

    def refuse(self, *words: str, says: Sequence[str], **options) -> None:
        """The same by `run` and by `up`."""
        for command, status in (("run", OURS), ("up", 1)):
            with self.subTest(command=command, words=words):
                behind = ("--", "true") if command == "run" else ()
                self.assert_refused(self.call(command, *words, *behind, **options), *says, status=status)

    def call_inside(self, prepare: str, command: str) -> subprocess.CompletedProcess[str]:
        """A script with $HOME and $XDG_RUNTIME_DIR, on a host from which `prepare` has taken something."""
        script = f"set -e; {prepare}\nexec {bindir()}/wireguard4netns {command}"
        return subprocess.run(
            ["unshare", "-Urm", "sh", "-c", script],
            env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=90,
        )  # fmt: skip

    def inside(self, prepare: str, *, says: Sequence[str]) -> None:
        """Both on such a host."""
        for command, status in (("run work -- true", OURS), ("up work", 1)):
            with self.subTest(command=command):
                self.assert_refused(self.call_inside(prepare, command), *says, status=status)


class Words(RefusedCase):
    def test_no_configuration(self) -> None:
        path = str(self.profiles / "missing.conf")
        self.refuse("missing", says=[path, "'wireguard4netns profile list'", "'wireguard4netns profile import FILE'"])
        self.refuse("./missing.conf", says=["missing.conf", "name another one"])
        self.refuse(says=[".config/wireguard4netns", "--config FILE"])

    def test_a_file_that_looks_like_a_profile(self) -> None:
        (self.home / "vpn").touch()
        self.refuse("vpn", says=["write ./vpn"])

    def test_a_command_in_the_wrong_place(self) -> None:
        done = self.call("run", "work", "curl", "https://example.org")
        self.assert_refused(done, "'curl'", "wireguard4netns run PROFILE -- COMMAND")
        self.assert_refused(self.call("run", "work"), "wireguard4netns run work -- COMMAND")
        done = self.call("exec", "work", "curl")
        self.assert_refused(done, "'curl'", "wireguard4netns exec NAME -- COMMAND")

    def test_a_profile_that_is_a_folder(self) -> None:
        (self.profiles / "folder.conf").mkdir()
        self.refuse("folder", says=["the profile folder is a directory"])
        self.refuse(f"{self.home}/", says=[str(self.home)])

    def test_a_profile_that_cannot_be_read(self) -> None:
        if os.geteuid() == 0:
            self.skipTest("root reads everything")
        self.profile("secret").chmod(0)
        self.refuse("secret", says=["secret.conf", "Permission denied"])

    def test_a_profile_with_a_mistake(self) -> None:
        self.profile("wrong", lines="Colour = green\n")
        self.refuse("wrong", says=["wrong.conf: line 2", "Colour"])

    def test_names(self) -> None:
        for name in ("a/b", "..", "../a", ".", "-x", "x" * 16, "a b", "é"):
            self.refuse(f"--name={name}", "work", says=[f"'{name}'"])
        self.refuse("--name=", "work", says=["--name has no value"])
        self.refuse("-n", "", "work", says=["an argument is empty"])
        for profile in ("..", ".", "a b/", "x" * 300):
            self.refuse(profile, says=[profile[:50]])
        for command in (["exec", "../work", "--", "true"], ["shell", "../work"], ["down", "../work"]):
            status = 1 if command[0] == "down" else OURS
            self.assert_refused(self.call(*command), "'../work'", status=status)

    def test_no_command(self) -> None:
        for words in (["run"], ["run", "work"], ["run", "work", "--"], ["exec", "work"], ["exec", "work", "--"]):
            with self.subTest(words=words):
                self.assert_refused(self.call(*words), " -- ", status=OURS)

    def test_two_configurations(self) -> None:
        for option in (f"--config={self.profiles}/work.conf", "--profile=work"):
            self.refuse(option, "work", says=["work", option.split("=")[0]])

    def test_tunnels_that_do_not_run(self) -> None:
        for command in (["exec", "work", "--", "true"], ["shell", "work"], ["shell"], ["down", "work"]):
            with self.subTest(command=command):
                self.assert_refused(self.call(*command), "runs", status=1 if command[0] == "down" else OURS)
        self.assert_refused(self.call("exec", "999999999", "--", "true"), "999999999")

    def test_a_helper_that_is_missing(self) -> None:
        self.refuse("--helper=/nonexistent", "work", says=["/nonexistent"])

    def test_a_port_that_is_taken(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.refuse("-p", f"{port}:80", "work", says=[str(port)])


class Hosts(RefusedCase):
    def test_no_tun(self) -> None:
        self.inside("mount -t tmpfs tmpfs /dev/net", says=["/dev/net/tun"])

    def test_no_user_namespaces(self) -> None:
        """Each way to have one is a line, and what can be done is the last."""
        for command, status in (("run work -- true", OURS), ("up work", 1)):
            done = self.call_inside("echo 0 >/proc/sys/user/max_user_namespaces", command)
            self.assertEqual((done.returncode, done.stdout), (status, ""))
            lines = done.stderr.splitlines()
            self.assertIn("make a user namespace", lines[0])
            self.assertRegex(lines[-1], "Next step: .* sysctl -w user.max_user_namespaces=")
            self.assert_user_left_nothing()

    def test_no_network_namespaces(self) -> None:
        self.inside("echo 0 >/proc/sys/user/max_net_namespaces", says=["network", "max_net_namespaces"])

    def test_no_mount_namespaces(self) -> None:
        self.inside("echo 0 >/proc/sys/user/max_mnt_namespaces", says=["mount", "max_mnt_namespaces"])

    def test_runtime_folder_read_only(self) -> None:
        prepare = 'mount --bind "$XDG_RUNTIME_DIR" "$XDG_RUNTIME_DIR"; mount -o remount,bind,ro "$XDG_RUNTIME_DIR"'
        self.inside(prepare, says=[str(self.runtime), "XDG_RUNTIME_DIR"])

    def test_runtime_folder_missing(self) -> None:
        self.refuse("work", says=["/nonexistent", "XDG_RUNTIME_DIR"], environment={"XDG_RUNTIME_DIR": "/nonexistent"})

    def test_runtime_folder_not_set(self) -> None:
        for folder in ("", "relative"):
            self.refuse("work", says=["XDG_RUNTIME_DIR", "export"], environment={"XDG_RUNTIME_DIR": folder})

    def test_runtime_folder_of_another_user(self) -> None:
        self.refuse("work", says=["/proc", "XDG_RUNTIME_DIR"], environment={"XDG_RUNTIME_DIR": "/proc"})

    def test_runtime_folder_that_is_a_file(self) -> None:
        plain = self.scratch.file("plain")
        self.refuse("work", says=[str(plain), "XDG_RUNTIME_DIR"], environment={"XDG_RUNTIME_DIR": str(plain)})

    def test_own_folder_that_others_may_write_to(self) -> None:
        own = self.runtime / "wireguard4netns"
        own.mkdir()
        own.chmod(0o777)
        self.refuse("work", says=[str(own), "XDG_RUNTIME_DIR"])
        own.rmdir()

    def test_own_folder_that_is_a_link(self) -> None:
        own = self.runtime / "wireguard4netns"
        own.symlink_to(self.home)
        self.refuse("work", says=[str(own)])
        own.unlink()

    def test_few_descriptors(self) -> None:
        self.inside("ulimit -n 20", says=["Too many open files"])


if __name__ == "__main__":
    harness.main()
