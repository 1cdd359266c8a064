"""Tests that only root can set up: `ip netns add`, others' namespaces, a 0600 TUN device, strace."""

import base64
import os
import pwd
import re
import stat
import subprocess
from pathlib import Path

import harness
from fixtures import OURS, THEIRS
from harness import USER
from namespaces import Namespace
from probes import ping
from processes import PATIENCE_S, descendants, read_line, status_field
from program import SANITIZED, Wg4, bindir
from wireguard import Identity, end_to_end, free_udp_port, wg

AS_USER = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--inh-caps=-all"]


class NamedNetns:
    """`ip netns add NAME` on a /run of our own. Looks like a Namespace to Wg4."""

    def __init__(self, name: str) -> None:
        self.path, self.pid, self._name = f"/run/netns/{name}", 0, name
        self.paths = [self.path]

    def __enter__(self) -> "NamedNetns":
        subprocess.run(["ip", "netns", "add", self._name], check=True)
        self.run("ip", "link", "set", "lo", "up")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["ip", "netns", "delete", self._name], check=True)

    def run(
        self, *argv: str, check: bool = True, seconds: float = 30
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["ip", "netns", "exec", self._name, *argv],
            capture_output=True,
            text=True,
            check=check,
            timeout=seconds,
        )

    snapshot = Namespace.snapshot


class RootTestCase(harness.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        subprocess.run(
            ["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True
        )  # our mount namespace only
        cls.addClassCleanup(subprocess.run, ["umount", "-l", "/run"], check=True)

    def give_to_user(self) -> None:
        """The scratch folder and all in it, once the files are made."""
        account = pwd.getpwnam(USER)
        for path in (self.scratch.folder, *self.scratch.folder.iterdir()):
            os.chown(path, account.pw_uid, account.pw_gid)


class RootStartsIt(RootTestCase):
    def test_netns_of_the_initial_user_namespace(self) -> None:
        """`ip netns add` twice, root starts us on both by path."""
        one, other = self.enterContext(NamedNetns("wg4-one")), self.enterContext(
            NamedNetns("wg4-other")
        )
        first, second, port = Identity(), Identity(), free_udp_port()
        answer = end_to_end(second, first, 2)
        answer.port = port
        self.wg4(other, answer, by_path=True)
        wg4 = self.wg4(
            one, end_to_end(first, second, 1, endpoint=f"127.0.0.1:{port}"), by_path=True
        )
        for ns, address in ((one, THEIRS), (other, OURS)):
            result = ping(ns, address, 5)
            self.assertEqual(result.received, 5, result.text)
        for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(wg4.status_field(field), 16), 0, field)
        self.assertEqual(wg4.status_field("NoNewPrivs"), "1")
        self.assertEqual(os.listdir(f"/proc/{wg4.pid}/root"), [], "an empty root")
        self.assertEqual(os.readlink(f"/proc/{wg4.pid}/cwd"), "/")

    def test_root_ends_as_nobody(self) -> None:
        """The processes that untrusted hosts talk to: the tunnel, the resolver, and the one that publishes ports."""
        named = self.enterContext(NamedNetns("wg4-one"))
        config = end_to_end(Identity(), Identity(), 1, endpoint=f"localhost:{free_udp_port()}")
        publish = f"--publish=127.0.0.1:{free_udp_port()}:80"
        wg4 = self.wg4(named, config, by_path=True, options=[publish, "--log-level=debug"])
        owners = {entry.name: status_field(entry.pid, "Uid") for entry in descendants(wg4.pid)}
        owners["wireguard4netns"] = wg4.status_field("Uid")
        nobody = "\t".join(["65534"] * 4)
        for name in ("wireguard4netns", "wg4netns-names", "wg4netns-ports"):
            self.assertEqual(owners[name], nobody, name)
        self.assertEqual(wg4.status_field("Gid"), nobody)
        status = Path(f"/proc/{wg4.pid}/status").read_text()
        self.assertRegex(status, r"(?m)^Groups:\s*$")
        self.assertNotIn("does without", wg4.log.read_text())
        wg4.stop()  # though it may not kill those of its processes that stay root's

    def test_no_capture_for_another_user(self) -> None:
        """The owner of a file or a FIFO could read the keys in it."""
        account = pwd.getpwnam(USER)
        fifo, file = self.scratch.folder / "01-fifo", self.scratch.file("file", "before")
        os.mkfifo(fifo, 0o600)
        for path in (file, fifo):
            os.chown(path, account.pw_uid, account.pw_gid)
        target = self.namespace()
        config = end_to_end(Identity(), Identity(), 1)
        for path in (file, fifo):
            with self.subTest(path):
                options = [f"--pcap={path}", "--pcap-keys"]
                wg4 = Wg4(self.scratch, target, config, options=options)
                wg4.start()
                wg4.expect_end(1)
                self.assertIn("belongs to another user", wg4.log.read_text())
        self.assertEqual(file.read_text(), "before")


class Target(RootTestCase):
    """Root's paths are opened once; and the host's own network is refused, under every name."""

    def setUp(self) -> None:
        super().setUp()
        self.config = self.scratch.file("root.conf", end_to_end(Identity(), Identity(), 1).for_wg_quick())

    def test_the_hosts_own_network(self) -> None:
        link = self.scratch.folder / "00-link"
        link.symlink_to("/proc/self/ns/net")
        start, before = f"timeout 20 {bindir() / 'wireguard4netns'}", "ip link set lo up; echo $$; "
        for name in (str(link), "/proc/self/ns/net", "$$"):
            done = subprocess.run(
                ["unshare", "--net", "sh", "-c", f"{before} {start} --config {self.config} {name}; ip -o link"],
                capture_output=True,
                text=True,
                check=True,
            )
            self.assertRegex(done.stderr, "error: the network of .* is the one that this program itself is in")
            self.assertNotIn("wg0", done.stdout)

    def test_a_process_id_that_comes_to_mean_another_process(self) -> None:
        """While the helper is about to join: the interface is where the first one was."""
        go = self.scratch.folder / "00-go"
        os.mkfifo(go, 0o600)
        helper = bindir() / "wg4netns-helper"
        slow = self.scratch.file("helper", f'#!/bin/sh\nread go <{go}\nexec {helper} "$@"\n', 0o700)
        right = self.namespace()
        holder = subprocess.Popen(right.command("sleep", "1000"))
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        named = subprocess.Popen(right.command("sleep", "1000"))
        wg4 = subprocess.Popen(
            [str(bindir() / "wireguard4netns"), f"--helper={slow}", "--config", str(self.config), str(named.pid)],
            stderr=subprocess.PIPE,
            text=True,
        )
        with go.open("w") as writer:
            named.kill()
            named.wait()
            wrong = self.become(named.pid)
            self.addCleanup(wrong.wait)
            self.addCleanup(wrong.kill)
            writer.write("go\n")
        assert wg4.stderr
        said = next(line for line in wg4.stderr if "warning" not in line)
        self.assertIn("wg0 in process", said)
        self.assertIn("wg0", right.links())
        there = subprocess.run(
            ["nsenter", "-t", str(wrong.pid), "-n", "ip", "-o", "link"], capture_output=True, text=True, check=True
        )
        self.assertNotIn("wg0", there.stdout)
        wg4.terminate()
        wg4.communicate(timeout=PATIENCE_S)

    def become(self, pid: int) -> subprocess.Popen[bytes]:
        """A process in another network that gets this number."""
        for _ in range(100):
            with open("/proc/sys/kernel/ns_last_pid", "w") as last:
                last.write(str(pid - 1))
            process = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
            if process.pid == pid:
                return process
            process.kill()
            process.wait()
        raise AssertionError(f"no process got the number {pid}")


class UserMeetsLimits(RootTestCase):
    def check(self, arguments: list[str], *says: str) -> None:
        config = end_to_end(Identity(), Identity(), 1, endpoint="127.0.0.1:9").for_wg_quick()
        path = self.scratch.file("user.conf", config)
        self.give_to_user()
        done = subprocess.run(
            [*AS_USER, str(bindir() / "wireguard4netns"), "--config", str(path), *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = [line for line in done.stderr.splitlines() if "warning:" not in line]
        self.assertEqual(len(lines), 1, done.stderr)
        for words in says:
            self.assertRegex(done.stderr, words)

    def test_namespace_of_another_user(self) -> None:
        roots = self.namespace()
        self.check([str(roots.pid)], str(roots.pid), "(?i)permi", "(?i)own|user")
        named = self.enterContext(NamedNetns("wg4-root"))
        self.check(["--netns-type=path", named.path], named.path, "(?i)permi", "(?i)own|user")

    def test_fifo_of_another_user(self) -> None:
        fifo = self.scratch.folder / "01-fifo"
        os.mkfifo(fifo)
        fifo.chmod(0o666)
        self.give_to_user()
        os.chown(fifo, 0, 0)
        own = subprocess.Popen([*AS_USER, "unshare", "-Urn", "sleep", "60"])
        self.addCleanup(own.wait)
        self.addCleanup(own.kill)
        config = end_to_end(Identity(), Identity(), 1).for_wg_quick()
        path = self.scratch.file("user.conf", config)
        os.chown(path, pwd.getpwnam(USER).pw_uid, -1)
        done = subprocess.run(
            [*AS_USER, bindir() / "wireguard4netns", "--config", path, f"--pcap={fifo}", str(own.pid)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("belongs to another user", done.stderr)

    def test_tun_device_for_root_only(self) -> None:
        """A bare machine without udev: mode 0600."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/dev/net"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/dev/net"], check=True)
        os.mknod("/dev/net/tun", 0o600 | stat.S_IFCHR, os.makedev(10, 200))
        holder = subprocess.Popen(
            [*AS_USER, "unshare", "-Urn", "sh", "-c", "echo; exec cat"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.addCleanup(holder.communicate)
        read_line(holder)
        self.check(
            [str(holder.pid)], "/dev/net/tun", "Permission denied", "chmod 0666 /dev/net/tun"
        )


class Traced(RootTestCase):
    """Every system call of both programs, with all bytes. Undumpable: only root can trace them."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = self.scratch.folder / "00-trace"
        self.folder.mkdir(mode=0o700)
        self.ours, self.theirs, self.psk = Identity(), Identity(), wg("genpsk")

    def trace_a_session(self, *options: str) -> dict[int, str]:
        """Runs a short session; the trace of each thread by its number."""
        target, other = self.namespace(), self.namespace()
        port = free_udp_port()
        answer = end_to_end(self.theirs, self.ours, 2, psk=self.psk)
        answer.port = port
        self.wg4(other, answer)
        config = end_to_end(self.ours, self.theirs, 1, psk=self.psk, endpoint=f"127.0.0.1:{port}")
        wg4 = Wg4(
            self.scratch,
            target,
            config,
            options=options,
            prefix=["strace", "-ff", "-xx", "-s", "65536", "-o", str(self.folder / "trace")],
        )
        with wg4:
            self.assert_pings(target, THEIRS)
        return {int(path.suffix[1:]): path.read_text() for path in self.folder.iterdir()}

    def test_helper_sees_no_key_and_runs_nothing(self) -> None:
        traces = self.trace_a_session()
        helpers = [text for text in traces.values() if "TUNSETIFF" in text]
        self.assertEqual(len(helpers), 1, "one process makes the TUN")
        # It is born by a fork of the host program; its own life begins at its exec.
        before, execve, after = helpers[0].partition("execve")
        self.assertTrue(execve, "the helper is a program of its own")
        self.assertNotIn("execve", after)
        for name, secret in (("our private key", self.ours.private), ("preshared key", self.psk)):
            for spelling in spellings(secret):
                self.assertNotIn(spelling, helpers[0], name)
        # The same search does find the key where it must be: in what the host program reads.
        self.assertTrue(
            any(
                spelling in text
                for text in traces.values()
                for spelling in spellings(self.ours.private)
            )
        )

    def test_order_of_the_sandbox(self) -> None:
        """Each part is taken when those that it would hinder are there, and nothing follows."""
        traces = self.trace_a_session("--threads=1")  # where there are more processors, more would be the default
        (tunnel,) = (text for text in traces.values() if "pivot_root(" in text)
        has_landlock = "LANDLOCK_CREATE_RULESET_VERSION) = -1" not in tunnel
        parts = ["PR_SET_NO_NEW_PRIVS", "pivot_root(", "umount2("]
        parts += ["landlock_restrict_self(", "capset("] if has_landlock else ["capset("]
        parts += [] if SANITIZED else ["SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC|"]
        places = [tunnel.index(part) for part in parts]
        self.assertEqual(places, sorted(places), parts)
        after = tunnel[places[-1] :]
        for call in ("open", "socket(", "execve", "clone", "ioctl", "prctl(PR_SET_NAME"):
            self.assertNotIn(f"\n{call}", after)
        self.assertIn("\nrecvmmsg(", after, "the rest is a tunnel's work")

    def test_threads_begin_in_the_sandbox(self) -> None:
        """Landlock restricts the caller and threads that are started later."""
        publish = f"--publish=127.0.0.1:{free_udp_port()}:80/udp"
        traces = self.trace_a_session("--threads=3", publish)
        (tunnel,) = (text for text in traces.values() if "CLONE_THREAD" in text)
        outside, _, inside = tunnel.rpartition("\ncapset(")
        self.assertNotIn("CLONE_THREAD", outside)
        # The filter knows no clone3, so that libc falls back to clone; a sanitizer's build has no filter.
        started = re.findall(r"^clone3?\(.*CLONE_THREAD.* = \d+$", inside, re.MULTILINE)
        self.assertEqual(len(started), 2)


def spellings(secret: str) -> list[str]:
    """How a base64 key would look in `strace -xx`: raw, base64 and hex, each by its two halves."""
    raw = base64.b64decode(secret)
    forms = [raw, secret.encode(), raw.hex().encode(), raw.hex().upper().encode()]
    return [
        "".join(f"\\x{byte:02x}" for byte in half)
        for form in forms
        for half in (form[: len(form) // 2], form[len(form) // 2 :])
    ]


if __name__ == "__main__":
    harness.main(as_root=True)
