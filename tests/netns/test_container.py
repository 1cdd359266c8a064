"""`run --container`, and bubblewrap's words on `run`, `up` and `exec`: the command in a container, in a tunnel."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import harness
from fixtures import OURS as OUR_ADDRESS
from fixtures import THEIRS
from namespaces import PYTHON
from processes import read_line
from run_case import NAME, RunCase

PY = (PYTHON, "-ISc")

# What a command must not be able to do in there; each gives the error that it gets, or "done".
ESCAPES = """
import ctypes, errno, fcntl, os, socket, struct, sys, termios
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    ctypes.set_errno(0)
    return "done" if getattr(libc, name)(*arguments) >= 0 else errno.errorcode[ctypes.get_errno()]
def attempt(name, action):
    try:
        result = action()
        print(name, result if isinstance(result, str) else "done")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
def look_up(path):
    os.stat(path)
def connect_abstract():
    socket.socket(socket.AF_UNIX).connect(b"\\0wg4-test-abstract")
attempt("mount", lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None))
attempt("umount", lambda: call("umount2", b"/proc", 2))
attempt("remount", lambda: call("mount", None, b"/usr", None, 4096 | 32, None))
attempt("setns", lambda: call("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0))
attempt("ptrace", lambda: call("ptrace", 16, 1, 0, 0))
attempt("signal", lambda: os.kill(1, 9) or "ignored")  # else nothing of this is printed
attempt("root of 1", lambda: look_up("/proc/1/root/etc"))
attempt("memory of 1", lambda: open("/proc/1/mem", "rb").close())
attempt("keyring", lambda: call("syscall", 248, b"user", b"n", b"p", 1, -3))
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM).close())
attempt("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close())
attempt("abstract", connect_abstract)
attempt("device", lambda: os.mknod("/tmp/sda", 0o600 | 0o060000, os.makedev(8, 0)))
attempt("tun", lambda: open("/dev/net/tun", "rb").close())
attempt("chroot", lambda: os.chroot("/tmp"))
"""


class Usual(RunCase):
    """The container that one word gives."""

    def contained(self, *command: str, words: tuple[str, ...] = (), **more: object) -> subprocess.CompletedProcess[str]:
        return self.call("run", "--container", *words, "work", "--", *command, **more)

    def test_the_tunnel_is_its_network(self) -> None:
        self.serve()
        self.assert_ends(self.contained("curl", "-sS", f"http://{NAME}/"), 0, f"hello {OUR_ADDRESS}\n")

    def test_the_system_is_read_only(self) -> None:
        script = (
            "for f in / /usr /etc /var /bin/new /etc/new; do "
            "touch $f/x 2>/dev/null && echo wrote $f; : ; done; ls /usr/bin/env"
        )
        self.assert_ends(self.contained("sh", "-c", script), 0, "/usr/bin/env\n")

    def test_what_is_its_own(self) -> None:
        (self.home / "secret").write_text("secret")
        outside = Path("/tmp/wg4-outside")
        outside.write_text("outside")
        script = (
            'ls -A "$HOME" /tmp /var/tmp; touch "$HOME/a" /tmp/a /var/tmp/a /dev/shm/a && echo writable; '
            "pwd; id -u; ls /dev | tr '\\n' ' '; ls /sys/class/net | tr '\\n' ' '; ls -d /proc/[0-9]* | wc -l"
        )
        done = self.contained("sh", "-c", script, cwd=self.home)
        lines = done.stdout.splitlines()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("writable", lines)
        self.assertNotIn("secret", done.stdout)
        self.assertNotIn("wg4-outside", done.stdout)
        self.assertIn(str(self.home), lines)
        self.assertIn(str(os.getuid()), lines)
        self.assertTrue(any({"full", "null", "ptmx", "random", "zero"} <= set(line.split()) for line in lines))
        self.assertEqual((self.home / "a").exists(), False)
        outside.unlink()

    def test_its_processes_are_alone(self) -> None:
        done = self.contained(*PY, "import os; print(sum(name.isdigit() for name in os.listdir('/proc')))")
        self.assert_ends(done, 0, "2\n")  # the keeper, as process 1, and itself

    def test_a_folder_of_the_home_that_is_named(self) -> None:
        work = self.home / "work"
        work.mkdir()
        (work / "in").write_text("text\n")
        words = ("--bind", str(work), str(work))
        done = self.contained("sh", "-c", "pwd; cat in; echo more >out", words=words, cwd=work)
        self.assert_ends(done, 0, f"{work}\ntext\n")
        self.assertEqual((work / "out").read_text(), "more\n")

    def test_escapes(self) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(b"\0wg4-test-abstract")
        listener.listen()
        self.addCleanup(listener.close)
        done = self.contained(*PY, ESCAPES)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        results = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
        self.assertEqual(len(results), ESCAPES.count("\nattempt("))
        self.assertEqual({name: result for name, result in results.items() if result == "done"}, {})

    def test_no_descriptor_of_the_host(self) -> None:
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        host = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(host.close)
        show = (
            "import os; names = os.listdir('/proc/self/fd')\n"
            "def is_open(n):\n try: os.fstat(n); return True\n except OSError: return False\n"
            "print(sorted(n for n in map(int, names) if is_open(n)))"
        )
        done = self.contained(*PY, show, pass_fds=(writer, host.fileno()))
        self.assert_ends(done, 0, "[0, 1, 2]\n")
        done = self.contained(*PY, show, words=("--fd", str(writer)), pass_fds=(writer, host.fileno()))
        self.assert_ends(done, 0, f"[0, 1, 2, {writer}]\n")
        refused = self.contained("true", words=("--fd", str(host.fileno())), pass_fds=(host.fileno(),))
        self.assert_refused(refused, "unsafe")

    def test_filters_are_there_for_who_joins(self) -> None:
        self.assert_ends(self.call("up", "--container", "--seccomp=strict", "work"))
        show = (
            "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True); "
            "print([line.split()[1] for line in open('/proc/self/status') if line.startswith('Seccomp:')], "
            "libc.unshare(0x10000000), ctypes.get_errno(), os.getppid())"
        )
        for _ in range(2):
            self.assert_ends(self.call("exec", "work", "--", *PY, show), 0, "['2'] -1 1 0\n")
        self.down("work")

    def test_namespaces_of_its_own_by_default(self) -> None:
        """Sandboxes of browsers are made of them."""
        done = self.contained("unshare", "-Ur", "id", "-u")
        self.assert_ends(done, 0, "0\n")
        refused = self.contained("unshare", "-Ur", "id", "-u", words=("--seccomp=strict",))
        self.assertNotEqual(refused.returncode, 0)

    def test_other_processes_of_ours_enter_it(self) -> None:
        """The one that waits for a handshake; the one that looks for leaks, under the rules of commands."""
        self.serve()
        self.assert_ends(self.contained("true", words=("--wait=handshake",)))
        self.assert_ends(self.call("up", "--container", "work"))
        done = self.call("verify", "--json", "work")
        doubts = [c for c in json.loads(done.stdout)["checks"] if c["verdict"] not in ("ok", "note")]
        self.assertEqual((doubts, done.returncode, done.stderr), ([], 0, ""))
        self.down("work")

    def test_exec_sees_what_the_others_have_made(self) -> None:
        self.assert_ends(self.call("up", "--container", "work"))
        self.assert_ends(self.call("exec", "work", "--", "sh", "-c", "echo shared >/tmp/a; hostname"), 0, None)
        self.assert_ends(self.call("exec", "work", "--", "cat", "/tmp/a"), 0, "shared\n")
        self.assertFalse(Path("/tmp/a").exists())
        self.down("work")


class Words(RunCase):
    ROOT = ("--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib",
            "--symlink", "usr/lib64", "/lib64", "--dev", "/dev")  # fmt: skip

    def words_by_descriptor(self, *words: str) -> int:
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.write(writer, b"".join(word.encode() + b"\0" for word in words))
        os.close(writer)
        return reader

    def test_a_root_of_words_alone(self) -> None:
        words = [*self.ROOT, "--proc", "/proc", "--dir", "/empty", "--hostname", "inside", "--chdir", "/empty",
                 "--setenv", "A", "b c", "--unsetenv", "HOME"]  # fmt: skip
        script = "ls /; hostname; pwd; echo $A ${HOME-none}"
        wanted = "bin\ndev\nempty\nlib\nlib64\nproc\nusr\ninside\n/empty\nb c none\n"
        self.assert_ends(self.call("run", *words, "work", "--", "sh", "-c", script), 0, wanted)
        fd = self.words_by_descriptor(*words)
        done = self.call("run", "--args", str(fd), "work", "--", "sh", "-c", script, pass_fds=(fd,))
        self.assert_ends(done, 0, wanted)

    def test_last_data_leaves_a_root_without_proc(self) -> None:
        sink = self.enterContext(self.pair.other.tool("sink", THEIRS, "9000"))
        self.expect_running(sink.pid)
        read_line(sink)
        size = 20_000_000
        send = f"head -c {size} /dev/zero >/dev/tcp/{THEIRS}/9000"
        self.assert_ends(self.call("run", *self.ROOT, "work", "--", "bash", "-c", send), 0, "")
        self.assertEqual(json.loads(read_line(sink))["bytes"], size)

    def test_root_inside_has_no_capability_but_those_that_are_added(self) -> None:
        show = ("sh", "-c", "id -u; grep CapEff /proc/self/status | cut -f2")
        self.assert_ends(self.call("run", "--container", "-r", "work", "--", *show), 0, f"0\n{0:016x}\n")
        done = self.call("run", "--container", "-r", "--cap-add", "CAP_CHOWN", "work", "--", *show)
        self.assert_ends(done, 0, f"0\n{1:016x}\n")

    def test_words_of_the_command_alone_make_no_container(self) -> None:
        script = "echo $A; pwd; ls -d ~"
        done = self.call("run", "--setenv", "A", "b", "--chdir", "/usr", "work", "--", "sh", "-c", script)
        self.assert_ends(done, 0, f"b\n/usr\n{self.home}\n")

    def test_words_for_exec(self) -> None:
        self.assert_ends(self.call("up", "work"))
        done = self.call("exec", "work", "--setenv", "A", "b", "--", "sh", "-c", "echo $A")
        self.assert_ends(done, 0, "b\n")
        self.assert_refused(self.call("exec", "work", "--tmpfs", "/tmp", "--", "true"), "--tmpfs", nothing_left=False)
        self.down("work")

    def test_joining_needs_the_same_words(self) -> None:
        self.assert_ends(self.call("up", "work"))
        done = self.call("run", "--container", "work", "--", "true")
        self.assert_refused(done, "without --container", nothing_left=False)
        self.down("work")

    def test_bad_words(self) -> None:
        for words, said in {
            ("--container", "--bind", "/no/such", "/x"): "/no/such",
            ("--container", "--seccomp=/etc/passwd.bpf"): "passwd.bpf",
            ("--container", "--seccomp=nonsense"): "nonsense",
            ("--container", "--cap-add", "CAP_NONSENSE"): "CAP_NONSENSE",
            ("--container", "--share-net"): "--share-net",
            ("--container", "--uid", "0"): "--uid",
            ("--container", "--cgroup", "/sys/fs/cgroup"): "--cgroup",
            ("--container", "--as-pid-1"): "--as-pid-1",
            ("--container", "--args", "77"): "77",
            ("--container", "--perms", "0700"): "--perms",
            ("--container", "--chdir", "/no/such"): "/no/such",
        }.items():
            with self.subTest(words=words):
                self.assert_refused(self.call("run", *words, "work", "--", "true"), said)
        self.assert_refused(self.call("run", "work", "--container", "--bind", "/usr", "--", "true"), "--bind")
        for word, *more in (["--share-net"], ["--cgroup", "/sys/fs/cgroup"]):
            fd = self.words_by_descriptor(word, *more)
            done = self.call("run", "--container", "--args", str(fd), "work", "--", "true", pass_fds=(fd,))
            self.assert_refused(done, word)
        self.assert_refused(self.call("up", "--setenv", "A", "b", "work"), "--setenv", status=1)
        self.assertEqual(self.call("ps").stdout.count("work"), 0)


if __name__ == "__main__":
    harness.main()
