"""The environment of the namespace tests, and the check that a test leaves nothing behind.

Whichever user starts a test file, the tested programs run as an ordinary user without capabilities. Root
therefore copies the tests and the programs to a folder that everyone can read and continues as
`wg4test` on a host of the file's own: a network with nothing but loopback, a home and a /tmp, and
a process namespace, whose end takes every process along. So the files can run beside each other.
An ordinary user just continues, on the host that there is, one file after the other.

    namespaces.py   Namespace; World: two hosts and a cable, where our program is "root" as it is
                    inside podman's namespaces
    program.py      Wg4: our program
    wireguard.py    keys and configs; WireguardGo: Debian's wireguard-go with stock `wg`
    probes.py       pings and TCP streams
    fixtures.py     the arrangements that most tests begin with
    TestCase        here: after each test no process, no file, no socket of it may be left

All of them are context managers; `self.enterContext(...)` in a test is the usual way to hold one.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import NoReturn

from namespaces import HERE, PYTHON, Namespace
from probes import ping
from processes import adopt_orphans, assert_only, descendants, status_field, wait_until
from program import SANITIZED, Wg4, bindir, program_environment
from scratch import Scratch
from wireguard import Config, WireguardGo

USER = "wg4test"
SOCKETS = "wireguard"  # in XDG_RUNTIME_DIR: control sockets of tunnels
OWN = "wireguard4netns"  # likewise: one file, which stays, for the locks on keys, and the registry of tunnels
TUNNELS = "tunnels"  # in there: the registry, which stays without a file
NS = "ns"  # likewise: the folders of tunnels that commands run in
UNIT = "wg4netns/wireguard4netns@.service.in"  # what is installed
SKIPPED = 77  # CTest shows this as "Skipped", in the open
LONG_S = 2
WITHOUT = "--without="
FILTERED = "0" if SANITIZED else "2"  # a sanitizer's report could not live with a filter

# The programs that the tests call, and their Debian packages.
TOOLS = {
    "curl": "curl",
    "ip": "iproute2",
    "ping": "iputils-ping",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "wg": "wireguard-tools",
    "wireguard-go": "wireguard-go",
    "strace": "strace",
    "tshark": "tshark",
    "iperf3": "iperf3",
    PYTHON: "python3",
}


def holds_what_stays(folder: Path) -> bool:
    """The folder that tunnels leave: with an empty file, and with the registry, and the folder of named tunnels, when
    nobody is in there."""
    if not folder.name.startswith(OWN) or not folder.is_dir():
        return False
    found = {path.name: path for path in folder.iterdir()}
    locks, folders = found.pop("keys.lock", None), [found.pop(name, None) for name in (TUNNELS, NS)]
    held = any(any(each.iterdir()) for each in folders if each)
    return not found and not held and not (locks and locks.stat().st_size)


class TestCase(unittest.TestCase):
    """A test with a scratch folder; after it, nothing that it started may be left."""

    def setUp(self) -> None:
        self.scratch = Scratch()
        self._known = {entry.pid for entry in descendants()}
        self._files = self.world_files()
        # The first clean-up runs last: everything entered later is closed by then.
        self.addCleanup(self.assert_nothing_left)

    def world_files(self) -> set[str]:
        """The files and sockets in all folders that a user's program might use, except scratch."""
        places = [
            Path(tempfile.gettempdir()),
            Path(pwd.getpwuid(os.getuid()).pw_dir),
            Path(f"/run/user/{os.getuid()}"),
        ]
        found = set()
        for place in places:
            with contextlib.suppress(OSError):
                found |= {
                    str(path) for path in place.iterdir() if path.lstat().st_uid == os.getuid()
                }
        empty = {str(place / SOCKETS) for place in places if not any((place / SOCKETS).glob("*"))}
        own = {str(place / name) for place in places for name in (OWN, f"{OWN}-{os.getuid()}")}
        return found - {str(self.scratch.folder)} - empty - {path for path in own if holds_what_stays(Path(path))}

    def registered(self) -> list[str]:
        """Entries in the registry. What removes one is the last to end, a moment after the program itself; what a
        program has left that was killed before it had told that process goes with the next look.
        """
        tunnels = self.scratch.folder / OWN / TUNNELS
        if self.scratch.killed and tunnels.is_dir() and tunnels.stat().st_uid == os.geteuid():
            show = [bindir() / "wireguard4netns", "show", "nobody"]  # which asks no socket that does not answer
            subprocess.run(show, env=program_environment(self.scratch), capture_output=True, check=False)
        wait_until(lambda: not any(tunnels.glob("*")), 5)
        return sorted(path.name for path in tunnels.glob("*"))

    def assert_nothing_left(self) -> None:
        left = self.registered()
        left += sorted(
            path.name
            for path in self.scratch.folder.iterdir()
            if not re.match(r"\d\d+-", path.name) and path.name != SOCKETS and not holds_what_stays(path)
        )
        # The folder stays for the next one; a socket only of a program that was killed.
        # The process that removes it is the last to end, a moment after the program itself.
        sockets = self.scratch.folder / SOCKETS
        if not self.scratch.killed:
            wait_until(lambda: not any(sockets.glob("*")), 5)
            left += sorted(path.name for path in sockets.glob("*"))
        self.scratch.remove()
        assert_only(self._known)
        self.assertEqual(left, [], "files left in HOME or XDG_RUNTIME_DIR")
        self.assertEqual(self.world_files() - self._files, set(), "files left behind")

    def wg4(self, target: Namespace, config: Config | str | Path, **options) -> Wg4:
        """Our program, up and ready, until the end of the test."""
        return self.enterContext(Wg4(self.scratch, target, config, **options))

    def wireguard_go(self, ns: Namespace, config: Config, ifname: str = "wg0") -> WireguardGo:
        return self.enterContext(WireguardGo(self.scratch, ns, config, ifname))

    def namespace(self, parent: Namespace | None = None, **options) -> Namespace:
        return self.enterContext(Namespace(parent, **options))

    def assert_confined(self, pid: int) -> None:
        """Every thread of a process is without capabilities, and has its system calls filtered."""
        for thread in Path(f"/proc/{pid}/task").iterdir():
            confined = dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapAmb"), f"{0:016x}")
            confined |= {"NoNewPrivs": "1", "Seccomp": FILTERED}
            found = {field: status_field(int(thread.name), field) for field in confined}
            self.assertEqual(found, confined)

    def assert_pings(self, ns: Namespace, *addresses: str, count: int = 5) -> None:
        for address in addresses:
            result = ping(ns, address, count)
            self.assertEqual(result.received, count, result.text)

    def assert_no_ping(self, ns: Namespace, address: str) -> None:
        result = ping(ns, address, 3, interval=0.3, wait=1)
        self.assertEqual(result.received, 0, result.text)


def own_name() -> str:
    """CTest's name of the test file that runs: netns.kill for tests/netns/test_kill.py."""
    script = Path(sys.argv[0]).resolve()
    return f"{script.parent.name}.{script.stem.removeprefix('test_')}"


class LoggingResult(unittest.TextTestResult):
    """Prints what the programs said when a test fails, while the logs are still there, what was left
    out, and what took long.
    """

    def startTest(self, test) -> None:
        super().startTest(test)
        self._began = time.monotonic()

    def stopTest(self, test) -> None:
        super().stopTest(test)
        if (seconds := time.monotonic() - self._began) > LONG_S:
            self.stream.writeln(f"    that took {seconds:.1f} s")

    def addSkip(self, test, reason: str) -> None:
        super().addSkip(test, reason)
        # tests/run.sh collects lines that begin like this one.
        self.stream.writeln(f"skipped: {own_name()}: {test.id().removeprefix('__main__.')}: {reason}")

    def addFailure(self, test, err) -> None:
        self._print_logs(test)
        super().addFailure(test, err)

    def addError(self, test, err) -> None:
        self._print_logs(test)
        super().addError(test, err)

    def _print_logs(self, test: unittest.TestCase) -> None:
        scratch = getattr(test, "scratch", None)
        for log in sorted(scratch.folder.glob("*.log")) if scratch else []:
            self.stream.writeln(f"\n--- {log.name}\n{log.read_text()[-4000:]}")


class Loader(unittest.TestLoader):
    """All classes but those that `--without=CLASS,...` names: CTest runs them beside the others."""

    def loadTestsFromTestCase(self, case: type[unittest.TestCase]) -> unittest.TestSuite:
        left_out = {name for word in sys.argv if word.startswith(WITHOUT) for name in word[len(WITHOUT) :].split(",")}
        return self.suiteClass() if case.__name__ in left_out else super().loadTestsFromTestCase(case)


def main(*, as_root: bool = False) -> NoReturn:
    """The test file's last line. `as_root`: the tests themselves need root."""
    missing = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})
    if missing:
        sys.exit(f"{sys.argv[0]}: missing tools, install the packages: {' '.join(missing)}")
    if os.geteuid() != 0 and as_root:
        print(f"skipped: {own_name()}: these tests need root")
        sys.exit(SKIPPED)
    if not Path("/proc/net/if_inet6").exists():
        print(f"skipped: {own_name()}: this kernel has no IPv6")
        sys.exit(SKIPPED)
    if os.geteuid() == 0 and "WG4_STAGED" not in os.environ:
        sys.exit(run_staged(as_root))
    environment = plain_environment()
    os.environ.clear()
    os.environ.update(environment)
    os.umask(0o022)
    adopt_orphans()
    done = unittest.main(
        module="__main__",
        argv=[word for word in sys.argv if not word.startswith(WITHOUT)],
        testRunner=unittest.TextTestRunner(verbosity=2, resultclass=LoggingResult),
        testLoader=Loader(),
        exit=False,
    ).result
    if not done.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if done.testsRun and done.testsRun == len(done.skipped) else 0)


def plain_environment() -> dict[str, str]:
    """Ours without what is of one machine or one caller: a language, CI=true, folders."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME") or name.startswith("WG4_") or name.endswith("SAN_OPTIONS")
    } | {"LC_ALL": "C.UTF-8"}


def run_staged(as_root: bool) -> int:
    """The same test file again, from a readable folder, as `wg4test` unless `as_root`."""
    try:
        pwd.getpwnam(USER)
    except KeyError:
        sys.exit(f"{sys.argv[0]}: no user '{USER}': useradd --create-home {USER}")
    test = Path(sys.argv[0]).resolve()
    tree = HERE.parent.parent
    with tempfile.TemporaryDirectory(prefix="wg4-stage-", dir="/var/tmp") as folder:
        stage = Path(folder)
        stage.chmod(0o755)
        for part in ("tests/netns", "tests/interop", "tests/bench", "tests/engines", "examples"):
            shutil.copytree(
                tree / part, stage / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy(tree / "README.md", stage)
        (stage / "wg4netns").mkdir()
        shutil.copy(tree / UNIT, stage / UNIT)
        (stage / "bin").mkdir()
        for name in ("wireguard4netns", "wg4netns-helper", "foreground_client"):
            if (bindir() / name).exists():
                shutil.copy(bindir() / name, stage / "bin" / name)
        account = pwd.getpwnam(USER)
        # With a PID namespace's first process every other one goes, whatever becomes of us. Folders
        # of our own show what the programs drop there, and take it along.
        prepare = f"""
            ip link set lo up &&
            mount -t tmpfs -o mode=1777 tmpfs /tmp &&
            mount -t tmpfs -o mode=0755,uid={account.pw_uid},gid={account.pw_gid} tmpfs "$HOME" &&
            exec "$@"
        """
        command = [
            "setpriv",
            "--pdeathsig=KILL",
            "unshare",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            prepare,
            "sh",
        ]
        if not as_root:
            command += [
                "setpriv",
                f"--reuid={USER}",
                f"--regid={USER}",
                "--init-groups",
                "--inh-caps=-all",
            ]
        command += [PYTHON, "-uB", str(stage / test.relative_to(tree)), *sys.argv[1:]]
        environment = plain_environment() | {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "WG4_STAGED": "1",
            "WG4_BINDIR": str(stage / "bin"),
            "HOME": account.pw_dir,
        }
        return subprocess.run(
            command, env=environment, cwd="/", stdin=subprocess.DEVNULL, umask=0o022
        ).returncode
