"""`podman run --network slirp4netns`, with our program in slirp4netns' place."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import harness_path  # noqa: F401  isort: skip

import harness
from engine_case import SERVE, fetch, free_tcp_port
from fixtures import THEIRS
from podman import IMAGE
from podman_case import PodmanCase
from processes import wait_until
from program import bindir
from wireguard import Identity


class Run(PodmanCase):
    def test_traffic_names_and_a_published_port(self) -> None:
        port = free_tcp_port()
        self.podman.start("box", "-p", f"127.0.0.1:{port}:8080", IMAGE, "sh", "-c", SERVE)
        self.assert_tunnelled(self.beyond, self.inside("box"))
        self.assert_published(port)
        self.podman.run("rm", "--force", "--time", "0", "box")
        self.assertEqual(fetch(port), "")
        self.assert_engine_empty()

    def test_sandbox_and_api_socket(self) -> None:
        """It asks for both by itself, and for its ports at our API socket."""
        port = free_tcp_port()
        self.podman.start(
            "box",
            *("-p", f"127.0.0.1:{port}:8080"),
            *(IMAGE, "sh", "-c", SERVE),
            network="slirp4netns:port_handler=slirp4netns",
        )
        arguments = self.our_arguments()
        for option in ("--enable-sandbox", "--enable-seccomp", "--api-socket"):
            self.assertIn(option, arguments)
        self.assert_all_confined()
        self.assert_tunnelled(self.beyond, self.inside("box"))
        self.assert_published(port)
        self.assert_all_confined()
        self.podman.run("rm", "--force", "--time", "0", "box")
        self.assertEqual(fetch(port), "")
        self.assert_engine_empty()

    def test_network_options(self) -> None:
        """mtu and cidr: the engine computes N+3 and N+100 from it, and never asks."""
        port = free_tcp_port()
        network = "slirp4netns:mtu=1300,cidr=10.5.0.0/16,enable_ipv6=true,outbound_addr=127.0.0.1"
        publish = ("-p", f"127.0.0.1:{port}:8080")
        self.podman.start("box", *publish, IMAGE, "sh", "-c", SERVE, network=network)
        inside = self.inside("box")
        self.assertIn("nameserver 10.5.0.3", inside("cat", "/etc/resolv.conf"))
        self.assertIn("mtu 1300", inside("ip", "link", "show", "tap0"))
        self.assert_tunnelled(self.beyond, inside)
        self.assert_published(port)

    def test_keep_id(self) -> None:
        port = free_tcp_port()
        publish = ("-p", f"127.0.0.1:{port}:8080")
        self.podman.start("box", "--userns=keep-id", *publish, IMAGE, "sh", "-c", SERVE)
        self.assertEqual(self.podman.inside("box", "id", "-u").strip(), str(os.getuid()))
        self.assert_tunnelled(self.beyond, self.inside("box"))
        self.assert_published(port)

    def test_port_53_is_the_containers_own(self) -> None:
        """DNS at N+3 takes nothing from it."""
        self.podman.start("box", IMAGE, "sh", "-c", "sleep 1000 | nc -u -l -p 53")
        self.assert_resolves(self.beyond, self.inside("box"))

    def test_large_packets_find_their_size(self) -> None:
        self.podman.start("box", "--cap-add", "NET_RAW", IMAGE)
        answered = self.podman.inside("box", "ping", "-c", "2", "-s", "8000", THEIRS)
        self.assertIn("2 packets received", answered)

    def test_profile_by_environment(self) -> None:
        folder = self.podman.home / ".config/wireguard4netns/profiles"
        folder.mkdir(parents=True)
        self.scratch.file("profile.conf")
        profile = folder / "blue.conf"
        profile.write_text(self.beyond.configs[0])
        profile.chmod(0o600)
        by_name = {"WIREGUARD4NETNS_CONFIG": "", "WIREGUARD4NETNS_PROFILE": "blue"}
        self.podman.start("box", IMAGE, **by_name)
        self.assert_tunnelled(self.beyond, self.inside("box"))

    def test_an_error_of_ours_is_podmans_error(self) -> None:
        missing = {"WIREGUARD4NETNS_CONFIG": str(self.scratch.folder / "nowhere.conf")}
        failed = self.podman.run(
            "run", "--rm", "--network", "slirp4netns", IMAGE, "true", check=False, **missing
        )
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn("nowhere.conf", failed.stderr)
        self.assert_engine_empty()

    def test_info_shows_our_version(self) -> None:
        info = self.podman.run("info", "--format", "{{.Host.Slirp4NetNS.Version}}").stdout
        self.assertRegex(info, r"wireguard4netns version \d+\.\d+")


class Seen(PodmanCase):
    """Podman unlinks the file of our standard error: messages reach the user in other ways."""

    clients = 2

    def program(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [bindir() / "wireguard4netns", *arguments],
            env=self.podman.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def shown(self) -> dict[str, dict]:
        return json.loads(self.program("show", "--json").stdout)

    def test_by_the_name_of_the_namespace_in_podman_inspect(self) -> None:
        other = self.scratch.file("other.conf", self.beyond.configs[1])
        self.podman.start("box", IMAGE)
        self.podman.start("other", IMAGE, WIREGUARD4NETNS_CONFIG=str(other))
        names = self.shown()
        self.assertEqual(len(names), 2)
        for container in ("box", "other"):
            path = self.podman.run("inspect", "--format", "{{.NetworkSettings.SandboxKey}}", container)
            name = Path(path.stdout.strip()).name[:15].rstrip("-")
            self.assertIn(name, names)
            self.assertTrue(self.program("show", name).stdout.startswith(f"interface: {name}\n"))
        self.assertIn("link set up by: wireguard4netns, for an engine", self.program("show", name).stdout)
        self.podman.run("rm", "--force", "--time", "0", "--all")
        self.assert_engine_empty()
        self.assertEqual(self.shown(), {})

    def test_warnings_of_the_start(self) -> None:
        """It stands in Podman's own standard error, and stays to be asked for."""
        self.podman.config.chmod(0o644)
        warning = f"{self.podman.config}: it holds a secret key, and every user can read it"
        started = self.podman.start("box", IMAGE)
        self.assertIn(f"wireguard4netns: warning: {warning}", started.stderr)
        (tunnel,) = self.shown().values()
        self.assertIn(warning, tunnel["warnings"][0])
        told = self.program("doctor", str(self.podman.config)).stdout
        self.assertRegex(told, f"note +tunnel: .* at its start: {warning}")

    def test_why_a_peer_does_not_answer(self) -> None:
        text = self.podman.config.read_text()
        key = re.search("PublicKey = (.*)", text)[1]
        self.podman.config.write_text(text.replace(key, Identity().public))
        self.podman.start("box", IMAGE)
        self.podman.inside("box", "timeout", "2", "wget", "-q", f"http://{THEIRS}/", check=False)

        def found() -> bool:
            return any(tunnel["diagnoses"] for tunnel in self.shown().values())

        self.assertTrue(wait_until(found, 40, pause=0.5))
        told = self.program("doctor", str(self.podman.config))
        self.assertEqual(told.returncode, 1)
        self.assertRegex(told.stdout, "problem +tunnel: netns-.*: peer ")
        self.assertRegex(told.stdout, "note +key: .*What the tunnel has found out itself is said above")


class Life(PodmanCase):
    def test_stop_start_restart(self) -> None:
        port = free_tcp_port()
        self.podman.start("box", "-p", f"127.0.0.1:{port}:8080", IMAGE, "sh", "-c", SERVE)
        for command in ("restart", "stop", "start", "restart"):
            self.podman.run(command, *([] if command == "start" else ["--time", "0"]), "box")
            if command == "stop":
                self.assert_engine_empty()
                continue
            self.assert_tunnelled(self.beyond, self.inside("box"))
            self.assert_published(port)

    def test_kill_of_the_containers_init(self) -> None:
        self.podman.start("box", IMAGE)
        os.kill(self.podman.pid("box"), signal.SIGKILL)
        self.assert_all_ended()
        self.podman.run("start", "box")
        self.assert_tunnelled(self.beyond, self.inside("box"))

    def test_kill_of_our_program_cuts_the_network(self) -> None:
        self.podman.start("box", IMAGE)
        self.assert_tunnelled(self.beyond, self.inside("box"))
        self.kill_ours()
        inside = self.inside("box")
        self.assertNotIn("tap0", inside("ip", "link"))
        self.assertEqual(inside("ip", "route").strip(), "")
        refused = self.podman.run(
            "exec", "box", "wget", "-T", "2", "-O-", f"http://{THEIRS}/", check=False
        )
        self.assertNotEqual(refused.returncode, 0)
        self.podman.run("restart", "--time", "0", "box")
        self.assert_tunnelled(self.beyond, self.inside("box"))


class WithoutDns(PodmanCase):
    dns = False

    def test_names_are_refused(self) -> None:
        """Never the host's resolver."""
        self.podman.start("box", "--dns", "10.0.2.3", IMAGE)
        looked = self.podman.run("exec", "box", "nslookup", "target.test", check=False)
        self.assertNotEqual(looked.returncode, 0)
        self.assertIn("REFUSED", looked.stdout + looked.stderr)


class TwoContainers(PodmanCase):
    clients = 2

    def test_each_with_its_own_key(self) -> None:
        other = self.scratch.file("other.conf", self.beyond.configs[1])
        self.podman.start("one", IMAGE)
        self.podman.start("two", IMAGE, WIREGUARD4NETNS_CONFIG=str(other))
        for _ in range(2):
            for client, name in enumerate(("one", "two")):
                self.assert_tunnelled(self.beyond, self.inside(name), client)
        self.podman.run("rm", "--force", "--time", "0", "one")
        self.assert_tunnelled(self.beyond, self.inside("two"), 1)
        self.assertTrue(wait_until(lambda: len(self.pids_of("wireguard4netns")) == 1, 5))


if __name__ == "__main__":
    harness.main()
