"""Tunnels that commands share by a name: up, exec, shell, ps, down, reload, and `run` that joins one."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import harness
from fixtures import THEIRS
from namespaces import PYTHON
from processes import descendants, process_table, read_line
from run_case import OURS, RunCase

PY = (PYTHON, "-ISc")
NET = ("readlink", "/proc/self/ns/net")
UP = "work is up; run commands in it with: wireguard4netns exec work -- COMMAND\n"
WAS_UP = UP.replace("is up", "was up")
SLEEP = ("sh", "-c", "echo up; exec sleep 1000")


def process_runs(pid: int) -> bool:
    return any(entry.pid == pid and entry.state != "Z" for entry in process_table())


class TunnelsCase(RunCase):
    def up(self, *words: str) -> None:
        self.assert_ends(self.call("up", *words, "work"), 0, UP)

    def other_tunnel(self) -> None:
        """One by the name `other`, with another key."""
        key = self.call("genkey").stdout.strip()
        path = self.profile("other")
        path.write_text(re.sub(r"PrivateKey = .*", f"PrivateKey = {key}", path.read_text()))
        self.assertEqual(self.call("up", "other").returncode, 0)

    def sleeper(self, *words: str) -> int:
        """A command that stays, by `words`; our client's PID."""
        process = self.start(*words, "--", *SLEEP)
        self.assertEqual(read_line(process), "up\n")
        return process.pid


class Lives(TunnelsCase):
    def test_up_exec_ps_down(self) -> None:
        self.up()
        namespaces = {self.call("exec", "work", "--", *NET).stdout for _ in range(3)}
        self.assertEqual(len(namespaces), 1)
        self.assertNotEqual(namespaces.pop().strip(), os.readlink("/proc/self/ns/net"))
        self.assert_ends(self.call("exec", "work", "--", "ping", "-qc1", "-W20", THEIRS))
        found = self.tunnels()["work"]
        self.assertEqual((found["kept"], found["tunnelRuns"], found["processes"]), (True, True, []))
        self.assertEqual((found["config"], found["mapping"]), (str(self.profiles / "work.conf"), "direct"))
        self.assertGreater(found["transferRx"], 0)
        self.assertIsInstance(found["latestHandshakeAge"], int)
        text = self.call("ps").stdout
        self.assertRegex(text, r"^NAME .*\nwork +up +\d+ s ago +\d+ +\d+ +\d+ \(direct\)\n$")
        self.down("work")
        self.assert_user_left_nothing()
        self.assertEqual(self.tunnels(), {})

    def test_up_again(self) -> None:
        self.up()
        self.assert_ends(self.call("up", "work"), 0, WAS_UP)
        self.down("work")

    def test_up_and_down_at_once(self) -> None:
        """What has ended leaves the name free."""
        for _ in range(10):
            self.up()
            self.down("work")

    def test_down_while_in_use(self) -> None:
        self.up()
        self.sleeper("exec", "work")
        done = self.call("down", "work")
        self.assert_refused(done, "work", "--force", status=1, nothing_left=False)
        self.assertEqual([entry["command"] for entry in self.tunnels()["work"]["processes"]], ["sleep"])
        self.down("--force", "work")
        self.assert_user_left_nothing()

    def test_down_by_force_of_what_does_not_want_to(self) -> None:
        self.up()
        script = (
            "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; "
            "print('up', flush=True); time.sleep(1000)"
        )
        process = self.start("exec", "work", "--", *PY, script)
        self.assertEqual(read_line(process), "up\n")
        self.down("--force", "work")
        self.assertEqual(process.wait(20), 128 + signal.SIGKILL)
        self.assert_user_left_nothing()

    def test_up_of_what_a_run_has_made(self) -> None:
        client = self.sleeper("run", "work")
        self.assert_ends(self.call("up", "work"), 0, WAS_UP)
        os.kill(client, signal.SIGTERM)
        self.wait_for(lambda: self.tunnels()["work"]["processes"] == [], "the command stays")
        self.assertTrue(self.tunnels()["work"]["kept"])
        self.down("work")

    def test_shell(self) -> None:
        self.up()
        for words in (["work"], []):
            line = "echo $WIREGUARD4NETNS_NAME; exit 3\n"
            done = self.call("shell", *words, input=line, environment={"SHELL": "/bin/sh"})
            self.assert_ends(done, 3, "work\n")
        self.down("work")

    def test_exec_by_pid(self) -> None:
        self.up()
        self.sleeper("exec", "work")
        (inside,) = self.tunnels()["work"]["processes"]
        name = self.call("exec", str(inside["pid"]), "--", "printenv", "WIREGUARD4NETNS_NAME")
        self.assert_ends(name, 0, "work\n")
        done = self.call("exec", str(os.getpid()), "--", "true")
        self.assert_refused(done, f"process {os.getpid()}", "work", nothing_left=False)
        self.down("--force", "work")

    def test_exec_by_pid_from_outside_of_a_pid_namespace(self) -> None:
        """The number that the host knows the process by, and not the one that it has inside."""
        self.up("--pid")
        client = self.sleeper("exec", "work")
        self.assertTrue(process_runs(self.tunnels()["work"]["keeper"]))
        (inside,) = descendants(client)
        name = self.call("exec", str(inside.pid), "--", "printenv", "WIREGUARD4NETNS_NAME")
        self.assert_ends(name, 0, "work\n")
        done = self.call("exec", "2", "--", "true")
        self.assert_refused(done, "process 2", "work", nothing_left=False)
        self.down("--force", "work")

    def test_same_view_for_all(self) -> None:
        """Files, ids and filters are those of the first."""
        show = (
            "cat /etc/resolv.conf /etc/hosts /etc/nsswitch.conf; id; pwd; "
            "grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status"
        )
        for options in ([], ["--root"], ["--pid"]):
            self.up(*options, "--add-host=nas:192.0.2.7")
            first = self.call("run", "work", *options, "--add-host=nas:192.0.2.7", "--", "sh", "-c", show)
            second = self.call("exec", "work", "--", "sh", "-c", show)
            self.assertEqual((first.returncode, first.stderr), (0, ""))
            self.assertIn("192.0.2.7\tnas", first.stdout)
            self.assertEqual(first.stdout, second.stdout)
            self.down("work")

    def test_pid_namespace(self) -> None:
        self.up("--pid")
        done = self.call("exec", "work", "--", "sh", "-c", "ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm")
        self.assertEqual(done.returncode, 0, done.stderr)
        count, first = done.stdout.split()
        self.assertLess(int(count), 8)
        self.assertEqual(first, "wg4netns-keeper")
        self.sleeper("exec", "work")
        self.down("--force", "work")

    def test_reload(self) -> None:
        self.up()
        self.assert_ends(self.call("exec", "work", "--", "ping", "-qc1", "-W20", THEIRS))
        text = (self.profiles / "work.conf").read_text()
        (self.profiles / "work.conf").write_text(text.replace(f"{THEIRS}/32", f"{THEIRS}/32, 10.99.0.0/16"))
        before = self.tunnels()["work"]["transferRx"]
        done = self.call("reload", "work")
        self.assertEqual(done.returncode, 0, done.stderr)
        routes = self.call("exec", "work", "--", "ip", "route", "show", "10.99.0.0/16")
        self.assertIn("wg0", routes.stdout, routes.stderr)
        self.assertGreaterEqual(self.tunnels()["work"]["transferRx"], before)  # the session is kept
        self.down("work")


class Joining(TunnelsCase):
    def test_run_joins(self) -> None:
        client = self.sleeper("run", "work")
        (one,) = self.tunnels()["work"]["processes"]
        second = self.run_in(*NET)
        self.assert_ends(second, 0)
        self.assertEqual(second.stdout.strip(), os.readlink(f"/proc/{one['pid']}/ns/net"))
        os.kill(client, signal.SIGTERM)
        self.assert_user_left_nothing()

    def test_names(self) -> None:
        """One profile, two tunnels: a name makes another one, where the key is not that of the first."""
        self.profile("other", lines="")
        self.sleeper("run", "--name=a", "work")
        self.assertEqual(list(self.tunnels()), ["a"])
        self.assert_ends(self.call("run", "--name=a", "--", "printenv", "WIREGUARD4NETNS_NAME"), 0, "a\n")
        done = self.call("run", "--name=b", "work", "--", "true")
        self.assertEqual(done.returncode, OURS)
        self.assertRegex(done.stderr, r"^wireguard4netns: error: [^\n]*key[^\n]*\n$")
        self.assertEqual(list(self.tunnels()), ["a"])
        self.down("--force", "a")

    def test_other_options(self) -> None:
        self.up("--add-host=nas:192.0.2.7")
        for options, says in (
            (["--root"], "--root"),
            (["--pid"], "--pid"),
            (["--add-host=nas:192.0.2.8"], "with --add-host=nas:192.0.2.7"),
            ([f"--dns={THEIRS}"], f"--dns={THEIRS}"),
            (["-p", "8000:80"], "--publish=8000:80"),
            (["--session-bus"], "--session-bus"),
            (["--mtu=1300"], "--mtu=1300"),
        ):
            with self.subTest(options=options):
                done = self.call("run", *options, "work", "--", "true")
                self.assert_refused(done, "work", says.split("=")[0], says, "--name", nothing_left=False)
        other = self.profile("other")
        done = self.call("run", "--name=work", "other", "--", "true")
        self.assert_refused(done, str(other), str(self.profiles / "work.conf"), nothing_left=False)
        self.down("work")

    def test_many_at_once(self) -> None:
        """One makes the tunnel, the others join it."""
        with ThreadPoolExecutor(50) as pool:
            done = list(pool.map(lambda _: self.call("up", "work"), range(50)))
        for one in done:
            self.assertEqual((one.returncode, one.stderr), (0, ""))
        self.assertEqual(sorted(one.stdout for one in done), [UP] + [WAS_UP] * 49)
        self.assertEqual(len(self.processes("wg4netns-keeper")), 1)
        with ThreadPoolExecutor(50) as pool:
            done = list(pool.map(lambda _: self.call("exec", "work", "--", *NET), range(50)))
        self.assertEqual({(one.returncode, one.stderr) for one in done}, {(0, "")})
        self.assertEqual(len({one.stdout for one in done}), 1)
        self.down("work")

    def test_while_the_last_one_leaves(self) -> None:
        """Whoever comes joins it, or makes another one: nothing else may happen."""
        ends = threading.Event()
        failed: list[str] = []

        def runs() -> None:
            while not ends.is_set():
                done = self.run_in("ping", "-qc1", "-W20", THEIRS)
                if done.returncode != 0 or done.stderr:
                    failed.append(f"{done.returncode} {done.stdout}{done.stderr}")

        with ThreadPoolExecutor(3) as pool:
            for _ in range(3):
                pool.submit(runs)
            time.sleep(6)
            ends.set()
        self.assertEqual(failed, [])

    def test_two_tunnels(self) -> None:
        self.up()
        self.other_tunnel()
        self.assertEqual(sorted(self.tunnels()), ["other", "work"])
        one, two = (self.call("exec", name, "--", *NET).stdout for name in ("work", "other"))
        self.assertNotEqual(one, two)
        done = self.call("shell")
        self.assert_refused(done, "more than one", "other, work", nothing_left=False)
        self.down("work")
        self.down("other")


class Keepers(TunnelsCase):
    """What killed keepers leave behind, and keepers of another version."""

    def test_a_killed_keeper(self) -> None:
        self.scratch.killed = True
        true = ("work", "--", "true")
        for next_command in (["ps"], ["up", "work"], ["run", *true], ["down", "work"], ["exec", *true]):
            with self.subTest(next=next_command[0]):
                self.up()
                os.kill(self.tunnels()["work"]["keeper"], signal.SIGKILL)
                done = self.call(*next_command)
                expected = {"down": 1, "exec": OURS}.get(next_command[0], 0)
                self.assertEqual(done.returncode, expected, done.stderr)
                if next_command[0] == "up":
                    self.down("work")
                self.assert_user_left_nothing()

    def test_a_killed_keeper_of_a_running_command(self) -> None:
        """The tunnel ends with its keeper."""
        process = self.start("run", "work", "--", *SLEEP)
        self.assertEqual(read_line(process), "up\n")
        state = self.tunnels()["work"]
        os.kill(state["keeper"], signal.SIGKILL)
        self.wait_for(lambda: not process_runs(state["tunnel"]), "the tunnel stays")
        self.assertEqual(self.tunnels(), {})
        process.terminate()
        self.assertEqual(process.wait(20), 128 + signal.SIGTERM)

    def test_a_killed_keeper_beside_another_tunnel(self) -> None:
        """It is not among those that run."""
        self.up()
        self.other_tunnel()
        self.scratch.killed = True
        os.kill(self.tunnels()["work"]["keeper"], signal.SIGKILL)
        self.assert_refused(self.call("exec", "nobody", "--", "true"), "These run: other", nothing_left=False)
        done = self.call("shell", input="echo $WIREGUARD4NETNS_NAME\n", environment={"SHELL": "/bin/sh"})
        self.assert_ends(done, 0, "other\n")
        self.down("other")

    @contextlib.contextmanager
    def fake_keeper(self, *answers: bytes) -> Iterator[None]:
        """Sends these answers to each client, and then closes the connection; without answers it sends nothing."""
        folder = self.runtime / "wireguard4netns/ns/work"
        for path in (folder.parent.parent, folder.parent, folder):
            path.mkdir(mode=0o700, exist_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(folder / "keeper.sock"))
            listener.listen()
            kept = []

            def serve() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        client, _ = listener.accept()
                        kept.append(client)
                        for answer in answers:
                            client.send(answer)
                        if answers:
                            client.close()

            thread = threading.Thread(target=serve)
            thread.start()
            try:
                yield
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()
                for client in kept:
                    client.close()
                for path in (folder / "keeper.sock", folder):
                    with contextlib.suppress(OSError):
                        path.rmdir() if path.is_dir() else path.unlink()

    def test_a_keeper_of_another_version(self) -> None:
        with self.fake_keeper(b"\xff\x01what is this"):
            says = ("another version", f"kill {os.getpid()}")
            for command in (["run", "work", "--", "true"], ["exec", "work", "--", "true"]):
                self.assert_refused(self.call(*command), *says, status=OURS, nothing_left=False)
            for command in (["up", "work"], ["down", "work"], ["down", "--force", "work"]):
                self.assert_refused(self.call(*command), *says, status=1, nothing_left=False)
            done = self.call("ps")
            self.assertEqual((done.returncode, done.stdout), (0, ""))
            self.assertIn("warning: the tunnel work is not listed", done.stderr)

    def test_a_keeper_that_says_nothing(self) -> None:
        with self.fake_keeper():
            began = time.monotonic()
            done = self.call("exec", "work", "--", "true")
            self.assert_refused(done, "does not answer", f"kill {os.getpid()}", nothing_left=False)
            self.assertLess(time.monotonic() - began, 60)


if __name__ == "__main__":
    harness.main()
