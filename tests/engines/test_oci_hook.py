"""Our program as an OCI hook: a container without a network gets a tunnel by an annotation."""

import os
import signal
from pathlib import Path

import harness_path  # noqa: F401  isort: skip

import harness
from engine_case import SERVE, fetch, free_tcp_port
from fixtures import THEIRS
from podman import IMAGE
from podman_case import PodmanCase
from processes import wait_until

PREFIX = "io.wireguard4netns."


class HookCase(PodmanCase):
    def setUp(self) -> None:
        super().setUp()
        self.hooks = self.podman.install_hook(allow="all")
        self.podman.add_profile("blue", self.beyond.configs[0])

    def podman_with_hook(self, *arguments: str, **options):
        return self.podman.run("--hooks-dir", str(self.hooks), *arguments, **options)

    def annotated(self, *more: str, network: str = "none", **annotations: str) -> list[str]:
        found = [f"--annotation={PREFIX}{name}={value}" for name, value in annotations.items()]
        return ["--network", network, *found, *more, IMAGE]

    def start(self, *more: str, name: str = "box", **annotations: str) -> None:
        command = self.annotated(*more, **(annotations or {"profile": "blue"}))
        self.podman_with_hook("run", "--detach", "--name", name, *command)

    def assert_fails(self, *words: str, **annotations: str) -> None:
        """The container does not start, for a reason that is one sentence, and nothing is left."""
        log = self.scratch.file("hook.log")
        log.write_text("")
        log.chmod(0o666)
        show = f"--annotation=run.oci.hooks.stderr={log}"
        command = self.annotated(show, **annotations)
        failed = self.podman_with_hook("run", "--rm", *command, "true", check=False)
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn("error executing hook", failed.stderr)
        lines = [line for line in log.read_text().splitlines() if "warning:" not in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"^wireguard4netns: error: container [0-9a-f]{12}: ")
        for word in words:
            self.assertIn(word, lines[0])
        self.assert_engine_empty()


class Run(HookCase):
    def test_traffic_names_and_the_end(self) -> None:
        self.start()
        self.assert_tunnelled(self.beyond, self.inside("box"))
        self.assertIn("wg0", self.podman.inside("box", "ip", "link"))
        self.podman.run("rm", "--force", "--time", "0", "box")
        self.assert_engine_empty()

    def test_a_file_and_a_name_for_the_interface(self) -> None:
        path = self.scratch.file("else.conf", self.beyond.configs[0])
        self.start(config=str(path), ifname="vpn7")
        self.assert_tunnelled(self.beyond, self.inside("box"))
        self.assertIn("vpn7", self.podman.inside("box", "ip", "link"))

    def test_keep_id(self) -> None:
        self.start("--userns=keep-id")
        self.assertEqual(self.podman.inside("box", "id", "-u").strip(), str(os.getuid()))
        self.assert_tunnelled(self.beyond, self.inside("box"))

    def test_published_ports(self) -> None:
        port, other = free_tcp_port(), free_tcp_port()
        specs = f"127.0.0.1:{port}:8080 127.0.0.1:{other}:8080"
        command = self.annotated(profile="blue", publish=specs)
        serve = ("sh", "-c", SERVE)
        self.podman_with_hook("run", "--detach", "--name", "box", *command, *serve)
        self.assert_published(port)
        self.assert_published(other)
        self.podman.run("rm", "--force", "--time", "0", "box")
        self.assertEqual(fetch(port), "")
        self.assert_engine_empty()

    def test_a_resolv_conf_of_the_users_stays(self) -> None:
        own = self.scratch.file("resolv.conf", "nameserver 192.0.2.1\n")
        own.chmod(0o644)
        self.start("--volume", f"{own}:/etc/resolv.conf")
        self.assertEqual(self.podman.inside("box", "cat", "/etc/resolv.conf"), own.read_text())
        self.assertEqual(own.read_text(), "nameserver 192.0.2.1\n")

    def test_a_container_without_annotations_is_left_alone(self) -> None:
        self.podman.install_hook(when={"always": True})
        found = self.podman_with_hook(
            "run", "--rm", "--network", "none", IMAGE, "ip", "-o", "link"
        ).stdout
        self.assertEqual(len(found.splitlines()), 1, found)

    def test_nothing_of_the_environment_is_needed(self) -> None:
        """In the environment of runc's hooks: the home is the one in passwd(5), of the user outside."""
        home = Path("~").expanduser()
        self.podman.install_hook(environment=["LC_ALL=C"], allow="all")
        path = self.scratch.file("else.conf", self.beyond.configs[0])
        self.start(config=str(path))
        self.assert_tunnelled(self.beyond, self.inside("box"))
        self.podman.run("rm", "--force", "--time", "0", "box")
        self.assert_fails(f"{home}/.config/wireguard4netns/profiles/none.conf", profile="none")


class Life(HookCase):
    def test_stop_start_restart(self) -> None:
        self.start()
        for command in ("restart", "stop", "start", "restart"):
            timeout = [] if command == "start" else ["--time", "0"]
            self.podman_with_hook(command, *timeout, "box")
            if command == "stop":
                self.assert_engine_empty()
                continue
            self.assert_tunnelled(self.beyond, self.inside("box"))

    def test_kill_of_the_containers_init(self) -> None:
        self.start()
        os.kill(self.podman.pid("box"), signal.SIGKILL)
        self.assert_all_ended()
        self.podman_with_hook("start", "box")
        self.assert_tunnelled(self.beyond, self.inside("box"))

    def test_kill_of_our_program_cuts_the_network(self) -> None:
        self.start()
        self.assert_tunnelled(self.beyond, self.inside("box"))
        self.kill_ours()
        inside = self.inside("box")
        self.assertTrue(wait_until(lambda: "wg0" not in inside("ip", "link"), 3))
        self.assertEqual(inside("ip", "route").strip(), "")
        fetch_far = ("exec", "box", "wget", "-T", "2", "-O-", f"http://{THEIRS}/")
        self.assertNotEqual(self.podman.run(*fetch_far, check=False).returncode, 0)
        self.podman_with_hook("restart", "--time", "0", "box")
        self.assert_tunnelled(self.beyond, inside)

    def test_the_background_process_is_a_daemon(self) -> None:
        """Nobody's terminal, pipe or folder is held for the life of the container."""
        self.start()
        pid = self.our_pid()
        self.assertEqual(os.getsid(pid), pid)
        status = Path(f"/proc/{pid}/status").read_text()
        self.assertIn("CapEff:\t0000000000000000", status)


class Failure(HookCase):
    def test_each_is_told_and_fails_the_container(self) -> None:
        self.assert_fails("open configuration", "profiles/grey.conf", profile="grey")
        self.assert_fails("cannot be the name of a profile", profile="../blue")
        self.assert_fails("not an absolute path", config="else.conf")
        self.assert_fails("profile and config", profile="blue", config="/else.conf")
        self.assert_fails("is unknown to this version", "profil", profil="blue")
        self.assert_fails("name of an interface", profile="blue", ifname="a/b")
        self.assert_fails(f"{PREFIX}publish", profile="blue", publish="8080")
        self.podman.add_profile("bad", "[Interface]\nPrivateKey = x\n")
        self.assert_fails("bad.conf: line 2", profile="bad")

    def test_only_a_profile_is_taken_unless_the_hook_allows_more(self) -> None:
        self.podman.install_hook(allow="ifname")
        self.start(profile="blue", ifname="vpn3")
        self.assertIn("vpn3", self.podman.inside("box", "ip", "link"))
        self.podman.run("rm", "--force", "--time", "0", "box")
        for annotations in ({"publish": "8080:80"}, {"allow-shared-key": "true"}, {"config": "/x"}):
            (name,) = annotations
            self.assert_fails("is not allowed", f"--allow-annotations={name}", **annotations)

    def test_the_hosts_network_is_refused(self) -> None:
        self.assert_fails("is the one that this program itself is in", network="host", profile="blue")

    def test_a_program_that_cannot_start_leaves_nothing(self) -> None:
        command = self.annotated(profile="blue")
        failed = self.podman_with_hook("run", "--rm", *command, "/nowhere", check=False)
        self.assertEqual(failed.returncode, 127, failed.stderr)
        self.assert_engine_empty()


class TwoContainers(HookCase):
    clients = 2

    def test_each_with_its_own_key(self) -> None:
        self.podman.add_profile("red", self.beyond.configs[1])
        self.start(name="one")
        self.start(name="two", profile="red")
        for client, name in enumerate(("one", "two")):
            self.assert_tunnelled(self.beyond, self.inside(name), client)
        self.podman.run("rm", "--force", "--time", "0", "one")
        self.assert_tunnelled(self.beyond, self.inside("two"), 1)

    def test_with_one_key_the_second_is_refused(self) -> None:
        self.start(name="one")
        pid = self.our_pid()
        log = self.scratch.file("hook.log")
        log.write_text("")
        log.chmod(0o666)
        show = f"--annotation=run.oci.hooks.stderr={log}"
        command = self.annotated(show, profile="blue")
        failed = self.podman_with_hook("run", "--rm", *command, "true", check=False)
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn(f"in use by process {pid}, the tunnel of process", log.read_text())
        self.assert_tunnelled(self.beyond, self.inside("one"))
        allow = {"profile": "blue", "allow-shared-key": "true"}
        self.start(name="two", **allow)
        self.assertIn("wg0", self.podman.inside("two", "ip", "link"))


if __name__ == "__main__":
    harness.main()
