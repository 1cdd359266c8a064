"""The examples, run as in their READMEs."""

import re
import subprocess

import harness_path  # noqa: F401  isort: skip

import harness
from beyond import Beyond
from engine_case import TARGET, EngineCase, free_tcp_port
from fixtures import THEIRS
from namespaces import HERE
from podman import IMAGE
from podman_case import PodmanCase
from processes import PATIENCE_S
from program import bindir, program_environment

EXAMPLES = HERE.parent.parent / "examples"
PROGRAM = {"WIREGUARD4NETNS": str(bindir() / "wireguard4netns")}


def run_example(case: EngineCase, *argv: str, env: dict[str, str]) -> str:
    """Runs it as from a shell, in the user's home folder; returns the output."""
    done = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=env["HOME"],
        env=env,
    )
    case.assertEqual(done.returncode, 0, done.stderr)
    return done.stdout


class PodmanExample(PodmanCase):
    def test_vpn_run(self) -> None:
        self.run_script("podman/vpn-run.sh")

    def test_vpn_container(self) -> None:
        self.run_script("oci-hook/vpn-container.sh")

    def run_script(self, name: str) -> None:
        conf = self.scratch.file("vpn.conf", self.beyond.configs[0])
        script = str(EXAMPLES / name)
        command = ("wget", "-q", "-O-", TARGET)
        printed = run_example(
            self, "bash", script, str(conf), "--rm", IMAGE, *command, env=self.podman.environment(**PROGRAM)
        )
        self.assertTrue(printed.startswith("hello "), printed)
        self.assertIn(printed.split()[1], (self.beyond.addresses[0], self.beyond.addresses6[0]))
        self.assert_engine_empty()


class ComposeExample(PodmanCase):
    def compose_version(self) -> tuple[int, ...]:
        said = run_example(self, "podman-compose", "--version", env=self.podman.environment())
        return tuple(map(int, re.search(r"podman-compose\w* version +([\d.]+)", said)[1].split(".")))

    def compose(self, *arguments: str, file: str = "compose.yaml", **environment: str) -> None:
        env = self.podman.environment(IMAGE=IMAGE, **environment)
        run_example(self, "podman-compose", "-f", str(EXAMPLES / "compose" / file), *arguments, env=env)

    def test_a_project_behind_one_tunnel(self) -> None:
        port = free_tcp_port()
        self.compose("up", "--detach", PORT=str(port))
        app = self.inside("compose_app_1")
        self.assertEqual(
            app("wget", "-q", "-O-", f"http://{THEIRS}/").strip(), f"hello {self.beyond.addresses[0]}"
        )
        self.assertEqual(app("wget", "-q", "-O-", "http://web:8080/").strip(), "inside")
        self.assert_resolves(self.beyond, app)
        self.assert_published(port)
        self.compose("down", "--timeout", "0", PORT=str(port))
        self.assert_engine_empty()

    def test_a_service_with_a_tunnel_of_its_own(self) -> None:
        hooks = self.podman.install_hook()
        self.podman.add_profile("blue", self.beyond.configs[0])
        if self.compose_version() >= (1, 3):
            options = (f"--podman-args=--hooks-dir={hooks}",)
            self.compose(*options, "up", "--detach", file="compose.hook.yaml")
            self.assert_tunnelled(self.beyond, self.inside("compose_app_1"))
            self.compose("down", "--timeout", "0", file="compose.hook.yaml")
            return
        # Too old for this file (see its README): what a newer one calls.
        text = (EXAMPLES / "compose/compose.hook.yaml").read_text()
        (network,) = re.findall(r"network_mode: (\w+)", text)
        (annotation,) = re.findall(r"(io\.\S+): \$\{PROFILE:-blue\}", text)
        run = ("run", "--detach", "--name", "app", "--annotation", f"{annotation}=blue")
        self.podman.run("--hooks-dir", str(hooks), *run, "--network", network, IMAGE)
        self.assert_tunnelled(self.beyond, self.inside("app"))


class RootlessKitExample(EngineCase):
    def test_vpn_shell(self) -> None:
        beyond = Beyond(self)
        conf = self.scratch.file("vpn.conf", beyond.configs[0])
        script = str(EXAMPLES / "rootlesskit" / "vpn-shell.sh")
        publish = f"127.0.0.1:{free_tcp_port()}:80/tcp"
        command = ("busybox", "wget", "-q", "-O-", f"http://{THEIRS}/")
        env = program_environment(self.scratch, PUBLISH=publish, **PROGRAM)
        printed = run_example(self, "bash", script, str(conf), *command, env=env)
        self.assertEqual(printed.strip(), f"hello {beyond.addresses[0]}")
        self.assert_all_ended()


if __name__ == "__main__":
    harness.main()
