"""Podman's other ways to a network: bridge networks, a namespace by its path, builds."""

import contextlib
import os
import re
import signal
import subprocess

import harness_path  # noqa: F401  isort: skip

import harness
from engine_case import SERVE, TARGET, free_tcp_port
from fixtures import THEIRS
from namespaces import HERE
from podman import IMAGE
from podman_case import PodmanCase
from processes import wait_until
from program import bindir


class Bridge(PodmanCase):
    """A user-defined network: a bridge in a namespace of Podman's, masqueraded onto our tap0."""

    def test_two_containers_on_one_bridge(self) -> None:
        self.podman.run("network", "create", "blue")
        port = free_tcp_port()
        publish = ("-p", f"127.0.0.1:{port}:8080")
        self.podman.start("one", *publish, IMAGE, "sh", "-c", SERVE, network="blue")
        self.podman.start("two", IMAGE, network="blue")
        for name in ("one", "two"):
            page = self.podman.inside(name, "wget", "-q", "-O-", f"http://{THEIRS}/").strip()
            self.assertEqual(page, f"hello {self.beyond.addresses[0]}")
        self.assert_published(port)
        page = self.podman.inside("two", "wget", "-q", "-O-", TARGET).strip()
        self.assertEqual(page, f"hello {self.beyond.addresses[0]}")
        self.assertLessEqual(self.beyond.askers(), {self.beyond.addresses[0]})
        self.kill_ours()
        fetch = ("wget", "-T", "2", "-O-", f"http://{THEIRS}/")
        cut = self.podman.run("exec", "two", *fetch, check=False)
        self.assertNotEqual(cut.returncode, 0)


class NamespaceByPath(PodmanCase):
    def test_a_namespace_of_ones_own(self) -> None:
        """`--network ns:PATH`: made, and given its tunnel, inside of `podman unshare`."""
        path = self.podman.runtime_dir / "blue"
        make = f"touch {path} && unshare --net={path} true"
        # The mount namespace of `podman unshare` lives as long as Podman's pause process.
        self.podman.run("unshare", "sh", "-c", make)
        program = ["wireguard4netns", "-c", "--netns-type=path", str(path), "tap0"]
        log = self.scratch.file("wireguard4netns.log")
        with log.open("w") as stream:
            process = subprocess.Popen(
                ["podman", "unshare", str(bindir() / program[0]), *program[1:]],
                stdin=subprocess.DEVNULL,
                stderr=stream,
                cwd=self.podman.home,
                env=self.podman.environment(),
            )
        with contextlib.ExitStack() as stack:
            stack.callback(process.wait, 5)
            stack.callback(lambda: os.kill(self.our_pid(), signal.SIGTERM))
            self.assertTrue(wait_until(lambda: "tap0 in" in log.read_text(), 5), log.read_text())
            self.podman.start("box", "--dns", "10.0.2.3", IMAGE, network=f"ns:{path}")
            self.assert_tunnelled(self.beyond, self.inside("box"))
            self.podman.run("rm", "--force", "--time", "0", "box")
        self.podman.run("unshare", "sh", "-c", f"umount {path}; rm {path}")


class Build(PodmanCase):
    def test_run_steps_with_the_command_of_the_readme(self) -> None:
        readme = (HERE.parent.parent / "README.md").read_text()
        (line,) = re.findall(r"`(ln -s /usr/bin/wireguard4netns [^`]* podman build \.)`", readme)
        line = line.replace("/usr/bin/wireguard4netns", str(bindir() / "wireguard4netns"))
        (self.podman.home / "bin").mkdir()
        context = self.scratch.folder / "00-context"
        context.mkdir()
        (context / "Containerfile").write_text(
            f"FROM {IMAGE}\nRUN ip route; wget -O /www/page {TARGET} && cat /www/page\n"
        )
        built = subprocess.run(
            ["sh", "-c", line],
            cwd=context,
            env=self.podman.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual(built.returncode, 0, built.stdout + built.stderr)
        own = {self.beyond.addresses[0], self.beyond.addresses6[0]}
        self.assertTrue(any(f"hello {address}" in built.stdout for address in own), built.stdout)
        self.assertLessEqual(self.beyond.askers(), own)
        self.assert_all_ended()


if __name__ == "__main__":
    harness.main()
