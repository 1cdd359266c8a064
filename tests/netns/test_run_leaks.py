"""No name leaves a command's tunnel. On the host of these tests every service that could be asked is a fake that tells.

The tests are root on a host of their own (harness.py), with an /etc and a /run that they may change; the command is an
ordinary user's.
"""

from __future__ import annotations

import json
import os
import pwd
import select
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import harness
from fake_resolvers import ABSTRACT, SOCKETS, STUBS
from fixtures import THEIRS
from namespaces import HERE, PYTHON
from processes import background, read_line
from run_case import NAME, RunCase

USER = pwd.getpwnam(harness.USER)
FAKES = (PYTHON, "-uB", str(HERE / "fake_resolvers.py"))
HOST_WAY = "mymachines resolve [!UNAVAIL=return] mdns4_minimal [NOTFOUND=return] files myhostname dns"
NSSWITCH = f"passwd: files\nhosts: {HOST_WAY}\n"
STUB = "nameserver 127.0.0.53\noptions timeout:1 attempts:1\n"
HOSTS = "127.0.0.1 localhost\n192.0.2.66 secret.host\n"

PLACES = [*SOCKETS.values(), *(f"/var{path}" for path in SOCKETS.values()), *ABSTRACT.values()]

# Reads names from its input, asks in all ways for each, and then says "done".
ASKER = f"""
import socket, subprocess, sys
def attempt(what):
    try:
        return what()
    except OSError as error:
        return type(error).__name__
def reach(family, kind, where):
    with socket.socket(family, kind) as it:
        it.settimeout(0.2)
        it.connect(where)
        it.sendall(b"name?")
        return "reached"
for name in sys.stdin:
    name = name.strip()
    print("python", attempt(lambda: socket.gethostbyname(name)))
    for database in ("hosts", "ahosts", "ahostsv4"):
        done = subprocess.run(["getent", database, name], capture_output=True, text=True)
        print(database, (done.stdout.split() or ["nothing"])[0])
    for path in {PLACES!r}:
        print(path.encode(), attempt(lambda: reach(socket.AF_UNIX, socket.SOCK_STREAM, path)))
    for address in {STUBS!r}:
        attempt(lambda: reach(socket.AF_INET, socket.SOCK_DGRAM, (address, 53)))
        attempt(lambda: reach(socket.AF_INET, socket.SOCK_STREAM, (address, 53)))
    print("done", flush=True)
"""


class Capture:
    """What passes on the host's loopback that is not the tunnel's UDP."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.strangers: list[str] = []
        self.seen = 0
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Capture:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        self._socket.close()

    def _work(self) -> None:
        while not self._ends.is_set():
            if not select.select([self._socket], [], [], 0.05)[0]:
                continue
            packet = self._socket.recv(65536)
            ports = {int.from_bytes(packet[at : at + 2], "big") for at in (20, 22)}
            if packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_UDP and self.port in ports:
                self.seen += 1
            else:
                self.strangers.append(packet[:64].hex())


class LeakCase(RunCase):
    @classmethod
    def setUpClass(cls) -> None:
        """An /etc and a /run of this test's own."""
        with tempfile.TemporaryDirectory() as copy:
            subprocess.run(["cp", "-a", "/etc/.", copy], check=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/etc"], check=True)
            subprocess.run(["cp", "-a", f"{copy}/.", "/etc"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run"], check=True)
        cls.addClassCleanup(lambda: subprocess.run(["umount", "-l", "/run", "/etc"], check=True))

    def setUp(self) -> None:
        super().setUp()
        self.runtime = Path(f"/run/user/{USER.pw_uid}")
        self.home = Path(tempfile.mkdtemp(dir="/tmp", prefix="wg4-home-"))
        self.addCleanup(shutil.rmtree, self.home)
        shutil.copytree(self.scratch.folder / "00-home", self.home, dirs_exist_ok=True)
        self.runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        subprocess.run(["chown", "-R", f"{USER.pw_uid}:{USER.pw_gid}", self.home, self.runtime], check=True)
        for name, text in {"nsswitch.conf": NSSWITCH, "hosts": HOSTS, "resolv.conf": STUB}.items():
            self.replace(name, text)
        self.services = self.serve()

    def replace(self, name: str, text: str) -> None:
        """As programs of the host do: by a new file."""
        new = Path(f"/etc/{name}.new")
        new.write_text(text)
        new.chmod(0o644)
        new.rename(f"/etc/{name}")

    def who(self) -> dict[str, object]:
        return {"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []}

    def fakes(self) -> subprocess.Popen[bytes]:
        process = self.enterContext(background(FAKES))
        self.expect_running(process.pid)
        self.assertIn("listening", read_line(process))
        return process

    def heard(self, process: subprocess.Popen[bytes]) -> list[str]:
        """What the fakes, or the servers behind the peer, have said since the last look."""
        lines = []
        while select.select([process.stdout], [], [], 0.3)[0]:
            lines.append(process.stdout.readline().decode())
        return lines

    def ask(self, asker: subprocess.Popen[bytes], name: str = NAME) -> dict[str, str]:
        asker.stdin.write(name.encode() + b"\n")
        found = {}
        while (line := read_line(asker, 60)) != "done\n":
            key, _, value = line.strip().rpartition(" ")
            found[key] = value
        return found

    def asker(self, *words: str) -> subprocess.Popen[bytes]:
        return self.start(*words, "--", PYTHON, "-uISc", ASKER, stdin=subprocess.PIPE)

    def check_asker(self, asker: subprocess.Popen[bytes]) -> None:
        """Names are asked for behind the peer, and nobody on the host was reached."""
        found = self.ask(asker)
        self.assertEqual([found[way] for way in ("python", "hosts", "ahosts", "ahostsv4")], [THEIRS] * 4)
        self.assertEqual([place for place, value in found.items() if value == "reached"], [])
        self.assertTrue(self.heard(self.services))
        self.assertEqual(self.ask(asker, "secret.host")["python"], "gaierror")

    def capture(self) -> Capture:
        return self.enterContext(Capture(self.pair.other_config.port))


class Leaks(LeakCase):
    def test_the_trial_itself(self) -> None:
        """Without a tunnel the fakes are asked."""
        fakes = self.fakes()
        subprocess.run([PYTHON, "-uISc", ASKER], input=f"{NAME}\n", text=True, capture_output=True, check=True)
        asked = {json.loads(line)["asked"] for line in self.heard(fakes)}
        wanted = {*SOCKETS, *ABSTRACT, *(f"stub {address}" for address in STUBS)}
        self.assertEqual(asked, wanted)

    def test_fakes_before_the_start(self) -> None:
        fakes = self.fakes()
        capture = self.capture()
        asker = self.asker("run", "work")
        self.check_asker(asker)
        self.assertEqual(self.heard(fakes), [])
        self.assertEqual(capture.strangers, [])
        self.assertGreater(capture.seen, 4)

    def test_fakes_after_the_start(self) -> None:
        capture = self.capture()
        asker = self.asker("run", "work")
        self.check_asker(asker)
        fakes = self.fakes()
        self.check_asker(asker)
        self.check_asker(self.asker("exec", "work"))
        self.assertEqual(self.heard(fakes), [])
        self.assertEqual(capture.strangers, [])

    def test_files_that_the_host_replaces(self) -> None:
        fakes = self.fakes()
        asker = self.asker("run", "work")
        for number in range(5):
            self.replace("resolv.conf", f"nameserver 127.0.0.53\nsearch n{number}.example\n")
            self.replace("nsswitch.conf", NSSWITCH)
            self.replace("hosts", f"{HOSTS}192.0.2.6{number} {NAME}\n")
            self.check_asker(asker)
        Path("/etc/nsswitch.conf").unlink()
        Path("/etc/resolv.conf").unlink()
        Path("/etc/resolv.conf").symlink_to("/run/systemd/resolve/stub-resolv.conf")
        self.check_asker(asker)
        self.check_asker(self.asker("exec", "work"))
        self.assertEqual(self.heard(fakes), [])

    def test_a_link_into_run(self) -> None:
        """As systemd-resolved has it: the file is not in /etc."""
        Path("/run/systemd/resolve").mkdir(parents=True, exist_ok=True)
        Path("/run/systemd/resolve/stub-resolv.conf").write_text("nameserver 127.0.0.53\n")
        Path("/etc/resolv.conf").unlink()
        Path("/etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
        fakes = self.fakes()
        self.check_asker(self.asker("run", "work"))
        self.assertEqual(self.heard(fakes), [])

    def test_other_files_stay_the_host_s(self) -> None:
        asker = self.start("run", "work", "--", "sh", "-c", "while read f; do cat /etc/$f; done", stdin=subprocess.PIPE)
        for text in ("one\n", "two\n"):
            self.replace("wg4-trial", text)
            asker.stdin.write(b"wg4-trial\n")
            self.assertEqual(read_line(asker), text)

    def test_root_inside_and_pids(self) -> None:
        fakes = self.fakes()
        for options in (["--root"], ["--pid"]):
            with self.subTest(options=options):
                asker = self.asker("run", *options, "work")
                self.check_asker(asker)
                asker.stdin.close()
                asker.wait(20)
                asker.stdin = None
        self.assertEqual(self.heard(fakes), [])

    def test_without_dns(self) -> None:
        """No name resolves, and nobody is asked."""
        path = self.home / ".config/wireguard4netns/profiles/work.conf"
        path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("DNS")))
        fakes = self.fakes()
        capture = self.capture()
        found = self.ask(self.asker("run", "work"))
        self.assertEqual([found[way] for way in ("python", "hosts")], ["gaierror", "nothing"])
        self.assertEqual(self.heard(fakes), [])
        self.assertEqual(capture.strangers, [])

    def test_the_tunnel_is_killed(self) -> None:
        """Then nothing resolves."""
        fakes = self.fakes()
        asker = self.asker("run", "work")
        self.check_asker(asker)
        os.kill(self.tunnels()["work"]["tunnel"], 9)
        capture = self.capture()
        found = self.ask(asker)
        self.assertEqual(found["python"], "gaierror")
        self.assertEqual(self.heard(fakes), [])
        self.assertEqual(capture.strangers, [])


if __name__ == "__main__":
    harness.main(as_root=True)
