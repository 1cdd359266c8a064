"""What users run: each program does in a tunnel what it does without one.

A program that is not installed is skipped. Those that tests/run.sh does not install are, on Debian: chromium and xvfb,
git, make, openssh-client and openssh-server, python3-venv, tmux.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import re
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import harness
from fixtures import OURS as OUR_ADDRESS
from fixtures import THEIRS
from namespaces import HERE, PYTHON
from processes import PATIENCE_S, descendants, read_line, status_field, wait_until
from program import SANITIZED, bindir
from run_case import NAME, RunCase
from terminal import Shell
from traffic import stream

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # an ordinary user's PATH may be without
MEGABYTES = 32 if SANITIZED else 1024
PORT = "8000"
SITE = f"http://{THEIRS}:{PORT}"


class ProgramCase(RunCase):
    def need(self, *programs: str) -> None:
        for program in programs:
            if not shutil.which(program, path=f"{os.environ['PATH']}:{SBIN}"):
                self.skipTest(f"there is no {program}")

    def site(self) -> tuple[Path, subprocess.Popen[bytes]]:
        """A folder that is served at SITE, behind the peer, and the server, which tells of requests."""
        folder = self.scratch.folder / "00-site"
        folder.mkdir()
        script = str(HERE / "far_pages.py")
        server = self.enterContext(self.pair.other.background(PYTHON, "-B", script, THEIRS, PORT, str(folder)))
        read_line(server)
        self.expect_running(server.pid)
        return folder, server

    def make(self, *argv: str, **options) -> None:
        """Something that a test needs, without a tunnel."""
        options = {"capture_output": True, "text": True, "env": self.environment(), "cwd": self.home} | options
        done = subprocess.run(argv, check=False, **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Programs(ProgramCase):
    def test_curl(self) -> None:
        self.serve()
        done = self.run_in("curl", "-sS", f"http://{THEIRS}/")
        self.assert_ends(done, 0, f"hello {OUR_ADDRESS}\n")

    def test_curl_by_name(self) -> None:
        self.serve()
        self.assert_ends(self.run_in("curl", "-sS", f"http://{NAME}/"), 0, f"hello {OUR_ADDRESS}\n")

    def test_python(self) -> None:
        self.serve()
        script = (
            "import urllib.request as r, socket, threading\n"
            f"pages = []\n"
            f"def load(): pages.append(r.urlopen('http://{NAME}/').read())\n"
            "all = [threading.Thread(target=load) for _ in range(8)]\n"
            "[each.start() for each in all]; [each.join() for each in all]\n"
            "print(len(pages), set(pages))"
        )
        self.assert_ends(self.run_in(PYTHON, "-ISc", script), 0, f"8 {{b'hello {OUR_ADDRESS}\\n'}}\n")

    def test_a_static_binary(self) -> None:
        self.need("busybox")
        self.serve()
        self.assert_ends(self.run_in("busybox", "wget", "-qO-", f"http://{THEIRS}/"), 0, f"hello {OUR_ADDRESS}\n")

    def test_ping(self) -> None:
        done = self.run_in("ping", "-c1", "-W20", THEIRS)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_two_hundred_processes(self) -> None:
        script = "for i in $(seq 200); do sh -c 'exit 0' & done; wait; seq 200 | xargs -P20 -n1 true; echo done"
        self.assert_ends(self.run_in("sh", "-c", script), 0, "done\n")

    def test_make(self) -> None:
        self.need("make")
        folder = self.home / "source"
        folder.mkdir()
        targets = [f"t{n}" for n in range(40)]
        rules = "".join(f"{name}:\n\techo {name} >$@\n" for name in targets)
        (folder / "Makefile").write_text(f"all: {' '.join(targets)}\n\tcat $^ | wc -l\n{rules}")
        done = self.run_in("make", "-sj8", cwd=folder)
        self.assert_ends(done, 0, "40\n")

    def test_two_hundred_at_once_in_one_tunnel(self) -> None:
        script = f"for i in $(seq 200); do ping -qc1 -W20 {THEIRS} >/dev/null || echo lost & done; wait"
        self.assert_ends(self.run_in("sh", "-c", script), 0, "")

    def test_download(self) -> None:
        self.site()
        done = self.run_in("sh", "-c", f"curl -sS {SITE}/stream/{MEGABYTES} | sha256sum")
        digest = hashlib.sha256()
        for chunk in stream(MEGABYTES):
            digest.update(chunk)
        self.assert_ends(done, 0, f"{digest.hexdigest()}  -\n")

    def test_git(self) -> None:
        """Whose the files are is the same inside and outside, or git would refuse to work on them."""
        self.need("git")
        site, _ = self.site()
        self.make(
            "sh",
            "-ec",
            f"""
            git init -q source; cd source; echo text >file; git add file
            git -c user.name=me -c user.email=me@{NAME} commit -qm first
            git clone -q --bare . {site}/project.git; git -C {site}/project.git update-server-info
            """,
        )
        self.assert_ends(self.run_in("git", "clone", "-q", f"{SITE}/project.git"), 0, "")
        self.assertEqual((self.home / "project/file").read_text(), "text\n")
        self.assert_ends(self.run_in("git", "log", "--format=%s", cwd=self.home / "project"), 0, "first\n")
        self.make("git", "status", cwd=self.home / "project")

    def test_venv_and_pip(self) -> None:
        if subprocess.run([PYTHON, "-c", "import ensurepip"], capture_output=True, check=False).returncode != 0:
            self.skipTest("there is no ensurepip")
        site, _ = self.site()
        with zipfile.ZipFile(site / "greeting-1-py3-none-any.whl", "w") as wheel:
            wheel.writestr("greeting.py", "text = 'hello'\n")
            for name, text in {
                "METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1\n",
                "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
                "RECORD": "",
            }.items():
                wheel.writestr(f"greeting-1.dist-info/{name}", text)
        (site / "index.html").write_text("<a href='greeting-1-py3-none-any.whl'>greeting</a>")
        script = f"""
            {PYTHON} -m venv --without-pip env
            env/bin/python -c 'import ensurepip; ensurepip.bootstrap(default_pip=True)' >log 2>&1 || cat log
            env/bin/pip install -q --disable-pip-version-check --no-index --trusted-host {THEIRS} -f {SITE}/ greeting
            env/bin/python -c 'import greeting; print(greeting.text)'
        """
        self.assert_ends(self.run_in("sh", "-ec", script), 0, "hello\n")

    def test_ssh(self) -> None:
        """With a configuration and a key, which ssh takes only if they are the user's own."""
        self.need("ssh", "ssh-keygen", "sshd")
        for name in ("key", "host"):
            self.make("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name)
        server = self.home / "sshd_config"
        server.write_text(
            f"ListenAddress {THEIRS}:2222\nHostKey {self.home}/host\nAuthorizedKeysFile {self.home}/key.pub\n"
            "PidFile none\nStrictModes no\nUsePAM no\nLogLevel ERROR\n"
        )
        config = self.home / "ssh_config"
        config.write_text(
            f"Host far\nHostName {THEIRS}\nPort 2222\nIdentityFile {self.home}/key\nBatchMode yes\nLogLevel ERROR\n"
            f"UserKnownHostsFile {self.home}/known\nStrictHostKeyChecking accept-new\n"
        )
        config.chmod(0o600)
        # It serves one user without being root, but nobody as the root of a user namespace.
        own = ("unshare", "-U", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}")
        sshd = shutil.which("sshd", path=SBIN)
        daemon = self.enterContext(
            self.pair.other.background(*own, sshd, "-D", "-e", "-f", str(server), stderr=subprocess.PIPE)
        )
        self.expect_running(daemon.pid)
        port = (PYTHON, "-ISc", f"import socket; socket.create_connection(('{THEIRS}', 2222))")
        self.wait_for(lambda: self.pair.other.run(*port, check=False).returncode == 0, "no sshd")
        far = ("ssh", "-F", str(config), "far")
        self.assert_ends(self.run_in(*far, "echo ${SSH_CONNECTION%% *}; exit 7"), 7, f"{OUR_ADDRESS}\n")
        data = os.urandom(1 << 20)
        done = self.call("run", "work", "--", *far, "cat", input=data, text=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout, data)

    def test_top(self) -> None:
        self.need("top")
        done = self.run_in("top", "-bn1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"PID +USER")
        self.assertRegex(done.stdout, r"\btop\n")

    def test_sudo_and_apt(self) -> None:
        self.need("sudo", "apt-get", "newuidmap")
        done = self.run_in("sudo", "-n", "sh", "-c", "id -u && apt-get --version", options=["--map-auto"])
        if "/etc/subuid" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\A0\napt \d")


class Tmux:
    """A terminal in tmux(1): keys in, a screen out."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._environment = environment | {"TERM": "xterm", "LC_ALL": "C.UTF-8"}
        self._argv = ("tmux", "-S", str(folder / "tmux"), "-f", "/dev/null")
        self.do("new-session", "-d", "-x80", "-y24", "-c", str(folder), *Shell.BASH, ";", "set", "status", "off")

    def __enter__(self) -> Tmux:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.do("kill-server")

    def do(self, *words: str) -> str:
        return subprocess.run(
            [*self._argv, *words], env=self._environment, check=True, capture_output=True, text=True, timeout=PATIENCE_S
        ).stdout

    def screen(self) -> str:
        return self.do("capture-pane", "-pJ")

    def type(self, *keys: str) -> None:
        self.do("send-keys", *keys)

    def enter(self, line: str) -> None:
        self.do("send-keys", "-l", line, ";", "send-keys", "Enter")

    def see(self, *lines: str) -> None:
        """Regular expressions of the last lines on the screen."""
        found: list[str] = []

        def look() -> bool:
            found[:] = [line.rstrip() for line in self.screen().rstrip().splitlines()[-len(lines) :]]
            return len(found) == len(lines) and all(map(re.fullmatch, lines, found))

        if not wait_until(look, 5, 0.05):
            raise AssertionError(f"no {lines} at the end of:\n{self.screen()}")

    def run(self, line: str, *lines: str) -> None:
        """Types a line and waits for what is then at the end of the screen."""
        self.enter(line)
        self.see(*lines)


class Terminals(ProgramCase):
    OUTER, INNER = "<>", "<work>"
    STOPPED = r"\[1\]\+  Stopped .*"

    def setUp(self) -> None:
        super().setUp()
        self.need("tmux")
        path = f"{bindir().resolve()}:{os.environ['PATH']}"
        self.tmux = self.enterContext(Tmux(self.home, self.environment(PS1="<$WIREGUARD4NETNS_NAME> ", PATH=path)))
        self.tmux.see(self.OUTER)

    def test_jobs_of_a_shell_inside(self) -> None:
        tmux = self.tmux
        tmux.run("wireguard4netns run work -- bash --norc --noprofile -i", self.INNER)
        tmux.run("cat", "<work> cat")
        tmux.type("C-z")
        tmux.see(self.STOPPED, self.INNER)
        tmux.run("fg", "<work> fg", "cat")
        tmux.run("hello", "hello", "hello")
        tmux.type("C-c")
        tmux.see(r"\^C", self.INNER)
        tmux.run("suspend", self.STOPPED, self.OUTER)
        tmux.run("fg", "wireguard4netns run .*", self.INNER)
        tmux.run("echo again", "again", self.INNER)
        tmux.run("exit 7", "exit", self.OUTER)
        tmux.run("echo $?", "7", self.OUTER)

    def test_jobs_of_a_shell_outside(self) -> None:
        tmux = self.tmux
        tmux.run("wireguard4netns run work -- sh -c 'echo up; exec cat'", "up")
        tmux.type("C-z")
        tmux.see(self.STOPPED, self.OUTER)
        tmux.run("wireguard4netns ps | grep -o '^work'", "work", self.OUTER)
        tmux.run("fg", "wireguard4netns run .*")
        tmux.run("hello", "hello", "hello")
        tmux.type("C-d")
        tmux.see("hello", self.OUTER)

    def test_resize(self) -> None:
        tmux = self.tmux
        tmux.run("wireguard4netns run work -- bash --norc --noprofile -i", self.INNER)
        tmux.run("stty size", "24 80", self.INNER)
        tmux.do("resize-window", "-x100", "-y30")
        tmux.run("stty size", "30 100", self.INNER)
        tmux.run("exit", "exit", self.OUTER)

    def test_top(self) -> None:
        """It fills the screen, also one that grows, and gives it back."""
        self.need("top")
        tmux = self.tmux
        tmux.enter("wireguard4netns run work -- top -cd 1000")
        self.wait_for(lambda: "PID USER" in tmux.screen(), "top shows nothing")
        for width in (75, 110):
            tmux.do("resize-window", f"-x{width}", "-y30")
            self.wait_for(lambda: width - 5 < self.longest_line() <= width, f"top does not follow to {width} columns")
        tmux.type("q")
        self.wait_for(lambda: tmux.screen().rstrip().endswith(self.OUTER), "top has not ended")

    def longest_line(self) -> int:
        """The command line of this test is longer than a screen is wide, and cut off by top."""
        return max(map(len, self.tmux.do("capture-pane", "-p").splitlines()))

    def test_tmux_inside(self) -> None:
        """A server in the background keeps the tunnel; who comes later finds it."""
        inside = f"tmux -S {self.home}/inside -f /dev/null"
        self.assert_ends(self.run_in("sh", "-c", f"{inside} new-session -d 'exec cat'"), 0, "")
        self.assertTrue(self.tunnels()["work"]["tunnelRuns"])
        list_them = self.call("exec", "work", "--", "sh", "-c", f"{inside} list-sessions -F '#S'")
        self.assert_ends(list_them, 0, "0\n")
        self.assert_ends(self.call("exec", "work", "--", "sh", "-c", f"{inside} kill-server"), 0, "")
        self.wait_for(lambda: not self.tunnels(), "the tunnel stays")


class Browser(ProgramCase):
    COLOUR = (0x12, 0x9B, 0x57)
    WIDTH, HEIGHT = 640, 480

    def setUp(self) -> None:
        super().setUp()
        self.need("chromium", "Xvfb")

    def display(self) -> tuple[str, Path]:
        """An X server of the host, and the file that has its screen."""
        screen = self.scratch.folder / "00-screen"
        screen.mkdir()
        sockets = Path("/tmp/.X11-unix")  # which it makes only for root
        if not sockets.exists():
            sockets.mkdir(mode=0o777)
            self.addCleanup(sockets.rmdir)
        size = f"{self.WIDTH}x{self.HEIGHT}x24"
        reader, writer = os.pipe()
        argv = ("Xvfb", "-displayfd", str(writer), "-screen", "0", size, "-nolisten", "tcp", "-fbdir", str(screen))
        log = self.scratch.file("xvfb.log").open("w")
        with open(reader) as said:
            server = subprocess.Popen(argv, pass_fds=(writer,), env=self.environment(), stdout=log, stderr=log)
            os.close(writer)
            self.addCleanup(server.wait)
            self.addCleanup(server.terminate)
            self.expect_running(server.pid)
            number = said.readline().strip()
        self.assertTrue(number, "no X server")
        return f":{number}", screen / "Xvfb_screen0"

    def coloured(self, screen: Path) -> float:
        """How much of the screen has the page's colour: the file is one of xwd(1)."""
        with screen.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
            header, *_ = struct.unpack_from("!I", image)
            colours = struct.unpack_from("!I", image, 76)[0]
            pixels = image[header + 12 * colours :]
        red, green, blue = self.COLOUR
        found = sum(pixels[at : at + 3] == bytes((blue, green, red)) for at in range(0, len(pixels), 4))
        return found / (self.WIDTH * self.HEIGHT)

    def sandboxed(self) -> list[int]:
        """The browser's processes that it has put into a PID namespace of their own."""
        found = []
        for entry in descendants():
            with contextlib.suppress(OSError):
                if entry.name == "chromium" and len(status_field(entry.pid, "NSpid").split()) > self.depth():
                    found.append(entry.pid)
        return found

    def depth(self) -> int:
        return len(status_field(os.getpid(), "NSpid").split())

    def test_shows_a_page(self) -> None:
        """In a window, with its own sandbox."""
        site, server = self.site()
        (site / "page.html").write_text(
            "<!doctype html><title>page</title><body style='background: #{:02x}{:02x}{:02x}'><h1>hello</h1>".format(
                *self.COLOUR
            )
        )
        display, screen = self.display()
        options = (f"--user-data-dir={self.home}/data", "--no-first-run", "--password-store=basic", "--start-maximized")
        process = self.start(
            *("run", "work", "--", "chromium", *options, f"{SITE}/page.html"),
            env=self.environment(DISPLAY=display, TMPDIR=str(self.home), XDG_CACHE_HOME=str(self.home)),
        )
        request = json.loads(read_line(server, 40))
        self.assertEqual(request, {"path": "/page.html", "client": OUR_ADDRESS})
        self.assertTrue(wait_until(lambda: self.coloured(screen) > 0.5, 20, 0.5), "the page is not on the screen")
        self.assertTrue(self.sandboxed())
        process.terminate()
        process.wait(PATIENCE_S)
        shutil.rmtree(self.runtime / "dconf", ignore_errors=True)  # of the desktop's libraries


if __name__ == "__main__":
    harness.main()
