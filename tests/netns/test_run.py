"""`run`: a command in a tunnel of its own, as a user types it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import harness
from fixtures import OURS as OUR_ADDRESS
from fixtures import THEIRS
from namespaces import PYTHON
from processes import read_line
from program import bindir
from run_case import NAME, OURS, RunCase

PY = (PYTHON, "-ISc")
LOST = "wireguard4netns: error: the tunnel work has ended: the command has no network any more\n"


class Status(RunCase):
    def test_every_status(self) -> None:
        self.assert_ends(self.call("up", "work"))
        for status in (*range(0, 256, 17), 1, 2, 124, 125, 126, 127, 128, 137, 254, 255):
            done = self.call("exec", "work", "--", "sh", "-c", f"exit {status}")
            self.assert_ends(done, status)
        self.down("work")

    def test_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGHUP):
            done = self.run_in("sh", "-c", f"ulimit -c 0; kill -{number.value} $$")
            self.assert_ends(done, 128 + number)

    def test_commands_that_cannot_run(self) -> None:
        folder = self.home / "folder"
        folder.mkdir()
        plain = self.home / "plain"
        plain.write_text("text")
        commands = {str(folder): 126, str(plain): 126, "no-such-program": 127, "./missing": 127, "": 127}
        for command, status in commands.items():
            with self.subTest(command=command):
                self.assert_refused(self.run_in(command), command, status=status)

    def test_a_signal_to_the_program(self) -> None:
        script = "trap 'echo got; exit 7' USR1; echo up; while :; do sleep .1; done"
        process = self.start("run", "work", "--", "sh", "-c", script)
        self.assertEqual(read_line(process), "up\n")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(read_line(process), "got\n")
        self.assertEqual(process.wait(20), 7)


class Words(RunCase):
    def test_arguments_and_environment(self) -> None:
        show = (
            "import os, sys; words = [os.fsencode(w) for w in sys.argv[1:]]; "
            "sys.stdout.buffer.write(b'|'.join(words) + b'|' + os.environb[b'V'])"
        )
        every = bytes(range(1, 256))
        for word in (b"", b"a\nb", b"\xff\xfe", every, b"--", b"--help", b"x" * 100_000):
            with self.subTest(word=word[:20]):
                done = self.call(
                    "run", "work", "--", *PY, show, b"", word, word,
                    env={os.fsencode(k): os.fsencode(v) for k, v in self.environment().items()} | {b"V": word},
                    text=False,
                )  # fmt: skip
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertEqual(done.stdout, b"|".join([b"", word, word, word]))

    def test_what_is_added_to_the_environment(self) -> None:
        inherited = {"WIREGUARD4NETNS_NAME": "outer", "WIREGUARD4NETNS_ADDRESS": "x", "A": "b"}
        done = self.run_in("env", "-0", environment=inherited)
        found = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
        wanted = self.environment() | inherited
        wanted |= {"WIREGUARD4NETNS_NAME": "work", "WIREGUARD4NETNS_ADDRESS": OUR_ADDRESS}
        self.assertEqual(found, wanted)

    def test_pipes(self) -> None:
        data = os.urandom(3 << 20)
        done = self.call("run", "work", "--", "cat", input=data, text=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout, data)

    def test_a_reader_that_leaves(self) -> None:
        script = f"{bindir()}/wireguard4netns run work -- yes | head -1; echo ${{PIPESTATUS[@]}}"
        done = subprocess.run(
            ["bash", "-c", script], env=self.environment(), capture_output=True, text=True, check=False, cwd="/"
        )
        self.assertEqual((done.stdout, done.stderr), ("y\n141 0\n", ""))

    def test_working_directory(self) -> None:
        folder = self.home / "a b"
        folder.mkdir()
        self.assert_ends(self.run_in("pwd", cwd=folder), 0, f"{folder}\n")
        done = self.run_in("sh", "-c", "echo new >file", cwd=folder)
        self.assert_ends(done)
        self.assertEqual((folder / "file").read_text(), "new\n")

    def test_a_working_directory_that_is_hidden(self) -> None:
        """The command may be there, and sees nothing; what is the host's must not be reached by it."""
        done = self.run_in("ls", "-A", cwd=self.profiles)
        self.assert_refused(done, "working directory", str(self.profiles), "cd /", status=OURS)

    def test_a_working_directory_that_is_deleted(self) -> None:
        folder = self.home / "gone"
        folder.mkdir()
        argv = self.argv("run", "work", "--", "true")
        script = 'cd "$0" && rmdir "$0" && exec "$@"'
        done = subprocess.run(
            ["sh", "-c", script, folder, *argv], env=self.environment(), capture_output=True, text=True, check=False
        )
        self.assert_refused(done, "working directory", "cd /")


class Identity(RunCase):
    def owner_of(self, path: Path) -> tuple[int, int]:
        status = path.stat()
        return status.st_uid, status.st_gid

    def test_own_ids(self) -> None:
        mine = self.home / "mine"
        done = self.run_in("sh", "-c", f'id -u; id -g; stat -c "%u %g" "$HOME"; touch {mine}')
        own = (os.getuid(), os.getgid())
        self.assert_ends(done, 0, f"{own[0]}\n{own[1]}\n{own[0]} {own[1]}\n")
        self.assertEqual(self.owner_of(mine), own)

    def test_root(self) -> None:
        mine = self.home / "mine"
        done = self.run_in("sh", "-c", f"id -u; id -g; ip link add br0 type bridge && touch {mine}", options=["--root"])
        self.assertEqual((done.returncode, done.stdout.splitlines()[:2]), (0, ["0", "0"]), done.stderr)
        self.assertEqual(self.owner_of(mine), (os.getuid(), os.getgid()))

    def test_subordinate_ids(self) -> None:
        if not shutil.which("newuidmap"):
            self.skipTest("there is no newuidmap")
        done = self.run_in("cat", "/proc/self/uid_map", options=["--map-auto"])
        if "/etc/subuid" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertTrue(any(int(count) > 1 for _, _, count in lines), lines)
        self.assertIn([str(os.getuid()), str(os.getuid()), "1"], [[a, b, c] for a, b, c in lines])

    def test_owners_of_files_with_subordinate_ids(self) -> None:
        other = self.home / "other"
        done = self.run_in("sh", "-c", f"touch {other} && chown 7:7 {other}", options=["--root", "--map-auto"])
        if "newuidmap" in done.stderr or "/etc/subuid" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assert_ends(done)
        uid, gid = self.owner_of(other)
        self.assertNotIn(uid, (7, os.getuid()))
        self.assertNotIn(gid, (7, os.getgid()))
        inside = self.run_in("stat", "-c", "%u %g", str(other), options=["--root", "--map-auto"])
        self.assert_ends(inside, 0, "7 7\n")
        self.assert_ends(self.run_in("rm", str(other), options=["--root", "--map-auto"]))

    def test_no_rights(self) -> None:
        done = self.run_in("cat", "/proc/self/status")
        found = dict(line.split(":\t", 1) for line in done.stdout.splitlines())
        for field in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(found[field], f"{0:016x}", field)
        self.assertEqual((found["NoNewPrivs"], found["Seccomp"]), ("1", "2"))
        for command in ("ip link add dummy0 type dummy", "mount -t tmpfs tmpfs /mnt", "umount -l /run"):
            done = self.run_in("sh", "-c", f"{command} 2>/dev/null; echo $?")
            self.assertNotEqual(done.stdout, "0\n", command)


class Names(RunCase):
    GET = (*PY, "import socket, sys; print(socket.gethostbyname(sys.argv[1]))")

    def test_by_the_profile(self) -> None:
        services = self.serve()
        self.assert_ends(self.run_in(*self.GET, NAME), 0, f"{THEIRS}\n")
        self.assertEqual(json.loads(read_line(services))["source"], OUR_ADDRESS)

    def test_by_getent(self) -> None:
        self.serve()
        done = self.run_in("getent", "ahostsv4", NAME)
        self.assertEqual((done.returncode, done.stdout.split()[0]), (0, THEIRS), done.stderr)

    def test_dns_option(self) -> None:
        self.serve()
        self.profile(dns=None)
        self.assert_ends(self.run_in(*self.GET, NAME, options=[f"--dns={THEIRS}"]), 0, f"{THEIRS}\n")

    def test_options_of_lists_take_one_word(self) -> None:
        done = self.call("run", "--dns", f"{THEIRS},{THEIRS}", "work", "--", "cat", "/etc/resolv.conf")
        self.assertEqual((done.returncode, done.stdout.count(THEIRS)), (0, 2), done.stderr)

    def test_without_servers(self) -> None:
        self.profile(dns=None)
        done = self.run_in("getent", "hosts", NAME)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("warning:", done.stderr)
        self.assertIn("--dns", done.stderr)

    def test_a_server_outside_of_the_tunnel(self) -> None:
        self.profile(dns="9.9.9.9")
        self.assert_refused(self.run_in("true"), "9.9.9.9", "AllowedIPs")
        self.profile()
        self.assert_refused(self.run_in("true", options=["--dns=192.0.2.53"]), "192.0.2.53", "AllowedIPs")

    def test_hosts(self) -> None:
        hosts = self.home / "hosts"
        hosts.write_text("192.0.2.7 nas nas.home\n")
        options = [f"--hosts-file={hosts}", "--add-host=printer:192.0.2.8", "--add-host=six:[2001:db8::1]"]
        for name, address in (("nas", "192.0.2.7"), ("nas.home", "192.0.2.7"), ("printer", "192.0.2.8")):
            self.assert_ends(self.run_in(*self.GET, name, options=options), 0, f"{address}\n")
        done = self.run_in("getent", "hosts", "six", options=options)
        self.assertEqual(done.stdout.split()[:1], ["2001:db8::1"], done.stderr)

    def test_localhost_and_own_name(self) -> None:
        self.assert_ends(self.run_in(*self.GET, "localhost"), 0, "127.0.0.1\n")
        self.assert_ends(self.run_in(*self.GET, os.uname().nodename), 0, "127.0.1.1\n")

    def test_hosts_file_that_is_none(self) -> None:
        self.assert_refused(self.run_in("true", options=["--hosts-file=missing"]), "missing")
        self.assert_refused(self.run_in("true", options=[f"--hosts-file={self.home}"]), str(self.home))


class Ways(RunCase):
    def test_published_port(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        serve = (
            "import socket; s = socket.create_server(('127.0.0.1', 8000)); print('up', flush=True); "
            "c, _ = s.accept(); c.sendall(b'hello')"
        )
        process = self.start("run", "-p", f"{port}:8000", "work", "--", *PY, serve)
        self.assertEqual(read_line(process), "up\n")
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            self.assertEqual(connection.recv(100), b"hello")
        self.assertEqual(process.wait(20), 0)

    def test_only_the_tunnel(self) -> None:
        names = "import socket; print(sorted(name for _, name in socket.if_nameindex()))"
        self.assert_ends(self.run_in(*PY, names), 0, "['lo', 'wg0']\n")

    def test_nothing_of_the_host_is_reached(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            script = f"import socket; print(socket.socket().connect_ex(('127.0.0.1', {port})))"
            self.assert_ends(self.run_in(*PY, script), 0, "111\n")


class Handshake(RunCase):
    peer_answers = False

    def test_waits(self) -> None:
        began = time.monotonic()
        process = self.start("run", "--wait=handshake", "work", "--", "echo", "up")
        time.sleep(1)
        self.assertIsNone(process.poll())
        self.answer()
        self.assertEqual(read_line(process, 30), "up\n")
        self.assertEqual(process.wait(20), 0)
        self.assertGreater(time.monotonic() - began, 1)

    def test_others_join_meanwhile(self) -> None:
        self.start("run", "--wait=handshake", "work", "--", "true")
        self.wait_for(lambda: "work" in self.tunnels(), "no tunnel")
        self.assert_ends(self.run_in("echo", "up"), 0, "up\n")

    def test_ended_meanwhile(self) -> None:
        process = self.start("run", "--wait=handshake", "work", "--", "true", stderr=subprocess.PIPE)
        self.wait_for(lambda: "work" in self.tunnels(), "no tunnel")
        self.assert_ends(self.call("down", "--force", "work"), 0, "")
        self.assertEqual(process.wait(20), OURS)
        self.assertRegex(process.stderr.read().decode(), r"^wireguard4netns: error: the tunnel work has ended .*\n$")

    def test_does_not_wait_without(self) -> None:
        self.assert_ends(self.run_in("echo", "up"), 0, "up\n")


class Silence(RunCase):
    peer_answers = False

    def test_never(self) -> None:
        done = self.run_in("true", options=["--wait=handshake"])
        self.assert_refused(done, "no peer of the tunnel work", "30 s", "doctor work")


class Reach(RunCase):
    """What the command must not reach."""

    def test_processes(self) -> None:
        script = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
for pid in map(int, sys.argv[1:]):
    for name, attempt in {
        "signal": lambda: os.kill(pid, 0),
        "trace": lambda: libc.ptrace(16, pid, 0, 0) and (_ for _ in ()).throw(PermissionError()),
        "memory": lambda: open(f"/proc/{pid}/mem", "rb").close(),
        "files": lambda: os.listdir(f"/proc/{pid}/root"),
        "descriptors": lambda: os.readlink(f"/proc/{pid}/fd/3"),
        "memory maps": lambda: open(f"/proc/{pid}/maps").read(),
        "environment": lambda: open(f"/proc/{pid}/environ", "rb").read(),
    }.items():
        try:
            attempt()
            print(name, pid)
        except OSError:
            pass
"""
        self.assert_ends(self.call("up", "work"))
        state = self.tunnels()["work"]
        parts = [str(state["keeper"]), str(state["tunnel"])]
        self.assert_ends(self.call("exec", "work", "--", *PY, script, *parts), 0, "")
        self.assertTrue(self.tunnels()["work"]["tunnelRuns"])
        self.down("work")

    def test_sockets_and_profile(self) -> None:
        folder = self.runtime / "wireguard4netns" / "ns" / "work"
        sockets = [str(self.runtime / "wireguard/work.sock"), str(folder / "keeper.sock")]
        script = f"""
import os, socket
for folder, _, names in os.walk({str(self.runtime)!r}):
    for name in names:
        print(os.path.join(folder, name))
for path in {sockets!r}:
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        try:
            socket.socket(socket.AF_UNIX, kind).connect(path)
            print("reached", path)
        except OSError:
            pass
try:
    print(open({str(self.profiles / "work.conf")!r}).read())
except OSError:
    pass
"""
        self.assert_ends(self.run_in(*PY, script), 0, "")


class LastData(RunCase):
    """What a command sends and does not stay for: without a tunnel the kernel sends it all the same."""

    def sink(self) -> subprocess.Popen[bytes]:
        sink = self.enterContext(self.pair.other.tool("sink", THEIRS, "9000"))
        self.expect_running(sink.pid)
        read_line(sink)
        return sink

    def send(self, size: int) -> tuple[str, ...]:
        """As much as that is still in the kernel's queue at the end."""
        return ("bash", "-c", f"head -c {size} /dev/zero >/dev/tcp/{THEIRS}/9000")

    def test_a_stream(self) -> None:
        for options in ([], ["--pid"]):
            sink = self.sink()
            size = 20_000_000
            self.assert_ends(self.run_in(*self.send(size), options=options), 0, "")
            self.assertEqual(json.loads(read_line(sink))["bytes"], size)
            sink.wait(20)

    def test_datagrams(self) -> None:
        """More of them than the tunnel takes in one turn, and just before the end."""
        count = 200
        script = (
            "import os, socket\ns = socket.socket(type=socket.SOCK_DGRAM)\n"
            f"for n in range({count}): s.sendto(b'%d' % n, ('{THEIRS}', 9000))\nos._exit(0)"
        )
        with self.pair.other.tool("listen", THEIRS, "9000") as listener:
            self.expect_running(listener.pid)
            read_line(listener)
            for _ in range(5):
                self.assert_ends(self.run_in(*PY, script, options=["--wait=handshake"]), 0, "")
                came = [int(json.loads(read_line(listener))["text"]) for _ in range(count)]
                self.assertEqual(came, list(range(count)))

    def test_before_down(self) -> None:
        sink = self.sink()
        self.assert_ends(self.call("up", "work"))
        self.assert_ends(self.call("exec", "work", "--", *self.send(20_000_000)), 0, "")
        self.down("work")
        self.assertEqual(json.loads(read_line(sink))["bytes"], 20_000_000)

    def test_nobody_takes_it(self) -> None:
        """That is waited for, but not for ever; and not by force."""
        sink = self.sink()
        script = f"exec 3<>/dev/tcp/{THEIRS}/9000; echo up; read x; echo last >&3"
        for force in (False, True):
            process = self.start("run", "work", "--", "bash", "-c", script, stdin=subprocess.PIPE)
            self.assertEqual(read_line(process), "up\n")
            self.pair.other.ip("link set wg0 down")
            if force:
                self.down("--force", "work")
            else:
                process.stdin.write(b"\n")
                self.assertEqual(process.wait(20), 0)
            self.assert_user_left_nothing()
            self.pair.other.ip("link set wg0 up")
            self.pair.other.ip(f"route replace {OUR_ADDRESS} dev wg0")


class Lives(RunCase):
    def test_noexec_home(self) -> None:
        """Nothing that `run` needs is started from a folder of the user's, nor from /tmp."""
        script = (
            'for folder in "$HOME" "$XDG_RUNTIME_DIR"; do mount --bind "$folder" "$folder"; '
            'mount -o remount,bind,noexec "$folder"; done && mount -t tmpfs -o noexec tmpfs /dev/shm && '
            f"exec {bindir()}/wireguard4netns run work -- echo inside"
        )
        done = subprocess.run(
            ["unshare", "-Urm", "sh", "-c", script],
            env=self.environment(), capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "inside\n", ""))

    def test_noexec_program(self) -> None:
        """A helper on a file system from which none may be started is started from memory."""
        place = self.home / "noexec"
        place.mkdir()
        script = (
            f"mount -t tmpfs -o noexec,mode=0755 tmpfs {place} && cp {bindir()}/wg4netns-helper {place} && "
            f"exec {bindir()}/wireguard4netns run --helper={place}/wg4netns-helper work -- echo inside"
        )
        done = subprocess.run(
            ["unshare", "-Urm", "sh", "-c", script],
            env=self.environment(), capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "inside\n", ""))

    def test_the_tunnel_ends_before_the_command(self) -> None:
        """By whatever signal: the command has no network, and need not wait to learn that."""
        script = "import socket; print([name for _, name in socket.if_nameindex()])"
        for number in (signal.SIGKILL, signal.SIGTERM):
            words = ("sh", "-c", f"echo up; read x; exec {PYTHON} -ISc '{script}'")
            process = self.start("run", "work", "--", *words, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(read_line(process), "up\n")
            os.kill(self.tunnels()["work"]["tunnel"], number)
            self.assertEqual(process.stderr.readline().decode(), LOST)
            self.assertFalse(self.tunnels()["work"]["tunnelRuns"])
            done = self.call("exec", "work", "--", "true")
            self.assert_refused(done, "no network any more", "down --force work", nothing_left=False)
            process.stdin.write(b"\n")
            self.assertEqual(read_line(process), "['lo']\n")
            self.assertEqual(process.wait(20), 0)
            self.assert_user_left_nothing()

    def test_background_processes_keep_the_tunnel(self) -> None:
        done = self.run_in("sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        pid = int(done.stdout)
        found = self.tunnels()["work"]
        self.assertEqual((found["kept"], found["tunnelRuns"]), (False, True))
        self.assertEqual(found["processes"], [{"pid": pid, "command": "sleep"}])
        self.assert_ends(self.call("exec", "work", "--", "ping", "-qc1", "-W20", THEIRS), 0)
        os.kill(pid, signal.SIGTERM)
        self.assert_user_left_nothing()


if __name__ == "__main__":
    harness.main()
