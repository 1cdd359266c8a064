"""The scripts of examples/podman and examples/rootlesskit, as their READMEs show them."""

import subprocess

import harness_path  # noqa: F401  isort: skip

import harness
from beyond import Beyond
from engine_case import TARGET, EngineCase, free_tcp_port
from fixtures import THEIRS
from namespaces import HERE
from podman import IMAGE
from podman_case import PodmanCase
from program import bindir, program_environment

EXAMPLES = HERE.parent.parent / "examples"
PROGRAM = {"WIREGUARD4NETNS": str(bindir() / "wireguard4netns")}


class PodmanExample(PodmanCase):
    def test_vpn_run(self) -> None:
        conf = self.scratch.file("vpn.conf", self.beyond.configs[0])
        script = str(EXAMPLES / "podman" / "vpn-run.sh")
        command = ("wget", "-q", "-O-", TARGET)
        done = subprocess.run(
            ["bash", script, str(conf), "--rm", IMAGE, *command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=self.podman.home,
            env=self.podman.environment(**PROGRAM),
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("hello "), done.stdout)
        self.assertIn(done.stdout.split()[1], (self.beyond.addresses[0], self.beyond.addresses6[0]))
        self.assert_engine_empty()


class RootlessKitExample(EngineCase):
    def test_vpn_shell(self) -> None:
        beyond = Beyond(self)
        conf = self.scratch.file("vpn.conf", beyond.configs[0])
        script = str(EXAMPLES / "rootlesskit" / "vpn-shell.sh")
        publish = f"127.0.0.1:{free_tcp_port()}:80/tcp"
        done = subprocess.run(
            ["bash", script, str(conf), "busybox", "wget", "-q", "-O-", f"http://{THEIRS}/"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
            env=program_environment(self.scratch, PUBLISH=publish, **PROGRAM),
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.strip(), f"hello {beyond.addresses[0]}")
        self.assert_all_ended()


if __name__ == "__main__":
    harness.main()
