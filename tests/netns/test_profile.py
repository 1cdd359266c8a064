"""`profile`: configurations kept by name. Whatever happens to it, a profile is the old file or the new one, and nothing
else stays."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import zlib
from pathlib import Path

import harness
from fixtures import pair_on_loopback
from processes import PATIENCE_S, status_field, wait_until
from program import bindir, program_environment

PROGRAM = str(bindir() / "wireguard4netns")
PRIVATE = "cHJpdmF0ZWtleXByaXZhdGVrZXlwcml2YXRla2V5MDA="
PUBLIC = "cHVibGlja2V5cHVibGlja2V5cHVibGlja2V5MDAwMDE="
GOOD = f"""# from the provider
[Interface]
PrivateKey = {PRIVATE}
Address = 10.0.0.2/32, fd00::2/128
PostUp = iptables -A FORWARD -j ACCEPT
Table = off

[Peer]
PublicKey = {PUBLIC}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = vpn.example.com:51820
"""
OTHER = GOOD.replace("vpn.example", "other.example")
IN_ROOM = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")


def png(rows: list[list[int]]) -> bytes:
    """Shades of grey."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def picture_of(drawing: str, scale: int = 4) -> bytes:
    """What a phone's camera would see of a code that was drawn for a dark terminal."""
    rows: list[list[int]] = []
    for line in drawing.splitlines():
        for light in ("█▀", "█▄"):
            row = [255 if letter in light else 0 for letter in line for _ in range(scale)]
            rows += [row] * scale
    return png(rows)


def has_ended(pid: int) -> bool:
    """Whether it has been reaped or not."""
    try:
        return status_field(pid, "State").startswith("Z")
    except FileNotFoundError:
        return True


class ProfileCase(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = self.scratch.folder / "00-home"
        self.home.mkdir()
        self.profiles = self.home / ".config/wireguard4netns/profiles"
        self.files = self.scratch.folder / "00-files"
        self.files.mkdir()
        self.good = self.scratch.file("good.conf", GOOD)
        self.other = self.scratch.file("other.conf", OTHER)

    def environment(self, **more: str) -> dict[str, str]:
        return program_environment(self.scratch, HOME=str(self.home)) | more

    def run_profile(
        self, *words: str | Path, text: str | bytes = b"", prefix: tuple[str, ...] = (), **more: str
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*prefix, PROGRAM, "profile", *map(str, words)],
            input=text.encode() if isinstance(text, str) else text,
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
            env=self.environment(**more),
        )

    def do(self, *words: str | Path, text: str | bytes = b"", **more: str) -> str:
        """It works; what it prints."""
        done = self.run_profile(*words, text=text, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.said = done.stderr.decode()
        return done.stdout.decode()

    def refuse(self, says: str, *words: str | Path, text: str | bytes = b"", **more: str) -> None:
        """It fails with one sentence that `says` is in, and shows no key."""
        done = self.run_profile(*words, text=text, **more)
        said = done.stderr.decode(errors="replace")
        self.assertEqual((done.returncode, done.stdout), (1, b""), said)
        errors = [line for line in said.splitlines() if line.startswith("wireguard4netns: error: ")]
        self.assertEqual(len(errors), 1, said)
        self.assertRegex(errors[0], says)
        self.assertNotIn(PRIVATE[:20], said)

    def import_good(self, name: str = "work") -> None:
        self.do("import", self.good, "--name", name)

    def text_of(self, name: str = "work") -> str:
        return (self.profiles / f"{name}.conf").read_text()

    def entries(self) -> set[str]:
        return {path.name for path in self.profiles.iterdir()} if self.profiles.exists() else set()

    def script(self, text: str) -> str:
        """An editor."""
        path = self.scratch.file("editor.sh", f"#!/bin/sh\n{text}\n", mode=0o700)
        return str(path)


class Import(ProfileCase):
    def test_the_text_is_kept_as_it_is(self) -> None:
        odd = GOOD.encode() + b"# caf\xe9\0 \xff\xfe\r\n"
        source = self.files / "odd.conf"
        source.write_bytes(odd)
        self.do("import", source)
        self.assertIn("PreUp, PostUp, PreDown and PostDown do not run", self.said)
        self.assertEqual((self.profiles / "odd.conf").read_bytes(), odd)
        self.do("import", "-", "--name", "piped", text=odd)
        self.assertEqual((self.profiles / "piped.conf").read_bytes(), odd)
        self.do("import", "/dev/stdin", "--name", "opened", text=odd)
        for path in self.profiles.iterdir():
            self.assertEqual(path.stat().st_mode & 0o7777, 0o600)
        self.assertEqual(self.profiles.stat().st_mode & 0o7777, 0o700)
        self.assertEqual(self.entries(), {"odd.conf", "piped.conf", "opened.conf"})

    def test_names(self) -> None:
        for name in ("work", "a", "x" * 64, "Az09_=+.-", "a.b", "=", "+1", "_"):
            with self.subTest(name):
                self.do("import", self.good, f"--name={name}")
        before = self.entries()
        for name in ("a/b", "../x", "..", ".", ".hid", "-x", "x" * 65, "a b", "é", "a\nb", "a.conf", "a*", "~"):
            with self.subTest(name):
                self.refuse("cannot be the name of a profile", "import", self.good, f"--name={name}")
        self.refuse("'My VPN' cannot be .* Give it one with --name", "import", self.files / "My VPN.conf")
        self.refuse("needs a name.*--name NAME", "import", "-", text=GOOD)
        self.refuse("needs a name.*--name NAME", "import", "/dev/fd/0", text=GOOD)
        self.assertEqual(self.entries(), before)
        self.refuse("an argument is empty", "import", self.good, "--name", "")

    def test_it_judges_as_check_does(self) -> None:
        for text, says in (
            (GOOD.replace("Endpoint", "Endpont"), "line 11: unknown key 'Endpont'. Did you mean Endpoint"),
            (GOOD.replace("PrivateKey = c", "PrivateKey = "), "line 3: PrivateKey"),
            ("\0" * 5000 + "x", "line 1"),
            ("\xff\xfe[\0I\0", "UTF-16|line 1"),
            (GOOD.replace("[Peer]", "Address = 1.2.3.4/33\n[Peer]"), "line 8: Address"),
        ):
            path = self.scratch.file("bad.conf", text)
            checked = subprocess.run([PROGRAM, "check", path], capture_output=True, text=True, check=False)
            self.refuse(says, "import", path, "--name", "bad")
            done = self.run_profile("import", path, "--name", "bad")
            self.assertEqual(done.stderr.decode(), checked.stderr)
        self.assertFalse(self.home.joinpath(".config").exists(), "nothing is made for a file that is refused")

    def test_what_is_no_file(self) -> None:
        huge = self.scratch.file("huge.conf")
        os.truncate(huge, 1 << 40)
        for path, says in (
            (self.files / "none.conf", "No such file"),
            (self.files, "is a directory"),
            (huge, "larger than 64 MiB"),
        ):
            self.refuse(says, "import", path, "--name", "x")
        self.refuse("larger than 64 MiB", "import", "-", "--name", "x", text=b"#\n" * (33 << 20))
        self.assertEqual(self.entries(), set())

    def test_a_large_file(self) -> None:
        text = GOOD + "# more\n" * 1_000_000
        self.do("import", "-", "--name", "large", text=text)
        self.assertEqual(self.text_of("large"), text)

    def test_one_that_is_there_is_replaced_only_if_told(self) -> None:
        self.import_good()
        self.refuse("there is a profile 'work' already.*--replace", "import", self.other, "--name", "work")
        self.assertEqual(self.text_of(), GOOD)
        self.do("import", self.other, "--name", "work", "--replace")
        self.assertEqual(self.text_of(), OTHER)
        (self.profiles / "alias.conf").symlink_to("work.conf")
        (self.profiles / "folder.conf").mkdir()
        for name in ("alias", "folder"):
            self.refuse("is no regular file", "import", self.good, f"--name={name}", "--replace")
        self.assertEqual(self.text_of(), OTHER)

    def test_a_full_disk(self) -> None:
        """One error, and nothing left, however little space there is."""
        large = self.scratch.file("large.conf", GOOD + "# more\n" * 20_000)
        for size in ("4k", "8k", "12k", "16k", "64k"):
            with self.subTest(size):
                program = f"""
                    mount -t tmpfs -o size={size} tmpfs {self.home} || exit 3
                    {PROGRAM} profile import {large} --name work; status=$?
                    find {self.home} -mindepth 1 >&2
                    exit $status
                """
                done = subprocess.run(
                    [*IN_ROOM, program], capture_output=True, text=True, check=False, env=self.environment()
                )
                said = [line for line in done.stderr.splitlines() if "warning:" not in line]
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertEqual(len(said), 1, done.stderr)
                self.assertRegex(said[0], "No space left on device. Make space there; nothing was changed$")

    def test_a_home_that_cannot_be_written(self) -> None:
        self.home.chmod(0o500)
        try:
            says = "make the folder .*Permission denied.*must be able to write"
            self.refuse(says, "import", self.good, "--name", "x")
            self.assertEqual(self.do("list"), "")
            self.assertIn("there is no profile in", self.said)
        finally:
            self.home.chmod(0o700)
        self.import_good()
        self.profiles.chmod(0o500)
        try:
            self.refuse("write profile 'x'.*Permission denied", "import", self.good, "--name", "x")
            self.refuse("Permission denied", "edit", "work", EDITOR="true")
            self.refuse("remove profile 'work'.*Permission denied", "delete", "work")
            self.refuse("rename profile 'work'.*Permission denied", "rename", "work", "x")
            self.assertIn("vpn.example.com", self.do("list"))
            self.assertEqual(self.do("export", "work"), GOOD)
        finally:
            self.profiles.chmod(0o700)

    def test_a_file_in_the_place_of_the_folder(self) -> None:
        self.profiles.parent.mkdir(parents=True)
        self.profiles.write_text("")
        self.refuse("open the folder .*Not a directory", "import", self.good)
        self.refuse("open the folder .*Not a directory", "list")


class Qr(ProfileCase):
    def setUp(self) -> None:
        super().setUp()
        self.import_good()
        done = self.run_profile("export", "work", "--qr", "--force")
        self.drawing = done.stdout.decode()
        if "built without QR codes" in done.stderr.decode():
            self.skipTest("the program was built without libzxing-dev and libpng-dev")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("left out, since phones have no such settings: Table, PreUp", done.stderr.decode())

    def import_picture(self, picture: bytes, name: str = "phone") -> Path:
        path = self.files / f"{name}.png"
        path.write_bytes(picture)
        return path

    def test_a_code_that_was_drawn_is_read(self) -> None:
        path = self.import_picture(picture_of(self.drawing))
        self.do("import", "--qr", path)
        kept = self.text_of("phone")
        plain = re.sub("# .*\n|PostUp.*\n|Table.*\n", "", GOOD)
        self.assertEqual(kept, plain)
        self.do("import", "--qr", path, "--name=other")

    def test_pictures_that_have_none(self) -> None:
        whole = picture_of(self.drawing)
        white = png([[255] * 200] * 200)
        two = picture_of("\n".join(line + line for line in self.drawing.splitlines()))
        for picture, says in (
            (b"", "no PNG picture"),
            (b"\xff\xd8\xff\xe0JFIF", "no PNG picture"),
            (whole[: len(whole) // 2], "no PNG picture"),
            (white, "no QR code in the picture"),
            (two, "2 QR codes in the picture"),
            (png([[0]]), "no QR code"),
            (whole[:16] + struct.pack(">II", 1 << 30, 1 << 30) + whole[24:], "no PNG picture|pixels"),
            (png([[255] * 20000]), "20000 x 1 pixels"),
        ):
            path = self.import_picture(picture, "bad")
            self.refuse(f"bad.png: .*({says})", "import", "--qr", path)
        self.refuse("is a directory", "import", "--qr", self.home, "--name=x")
        self.refuse("No such file", "import", "--qr", self.home / "x.png")
        self.assertEqual(self.entries(), {"work.conf"})

    def test_it_is_for_a_terminal(self) -> None:
        self.refuse("standard output is no terminal.*--force", "export", "work", "--qr")
        small = self.on_terminal(20, 20)
        self.assertIn("the QR code needs", small)
        self.assertNotIn("█", small)
        large = self.on_terminal(200, 200)
        self.assertIn("\x1b[30;47m", large)
        self.assertIn("█", large)

    def on_terminal(self, lines: int, columns: int) -> str:
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        with subprocess.Popen(
            [PROGRAM, "profile", "export", "work", "--qr"], stdout=theirs, stderr=theirs, env=self.environment()
        ) as process:
            os.close(theirs)
            text = b""
            with contextlib.suppress(OSError):  # of the terminal's end
                while part := os.read(ours, 65536):
                    text += part
            process.wait(PATIENCE_S)
        os.close(ours)
        return text.decode()


class Look(ProfileCase):
    def test_nothing_to_list(self) -> None:
        self.assertEqual(self.do("list"), "")
        self.assertIn("there is no profile in", self.said)
        self.assertEqual(json.loads(self.do("list", "--json")), [])
        self.assertFalse(self.home.joinpath(".config").exists(), "looking makes nothing")
        for words in (["show", "x"], ["edit", "x"], ["delete", "x"], ["export", "x"], ["rename", "x", "y"]):
            self.refuse("there is no profile 'x'.*'profile import FILE'", *words)

    def test_bad_ones_are_listed_with_their_error(self) -> None:
        self.import_good()
        outside = self.scratch.file("outside.conf", GOOD)
        (self.profiles / "alias.conf").symlink_to("work.conf")
        (self.profiles / "bad.conf").write_text(GOOD.replace("Endpoint", "Endpont"))
        (self.profiles / "folder.conf").mkdir()
        os.mkfifo(self.profiles / "fifo.conf")
        (self.profiles / "out.conf").symlink_to(outside)
        (self.profiles / "twice.conf.conf").write_text(GOOD)
        (self.profiles / "an\n old\x1bname.conf").write_text(GOOD)
        (self.profiles / ".hidden.conf").write_text(GOOD)
        (self.profiles / "notes.txt").write_text("")
        rows = {row["name"]: row for row in json.loads(self.do("list", "--json"))}
        names = {"alias", "an\n old\x1bname", "bad", "fifo", "folder", "out", "twice.conf", "work"}
        self.assertEqual(set(rows), names)
        for name in ("work", "alias", "an\n old\x1bname"):
            self.assertIsNone(rows[name]["error"])
            self.assertEqual(rows[name]["endpoints"], ["vpn.example.com:51820"])
            self.assertEqual(rows[name]["addresses"], ["10.0.0.2/32", "fd00::2/128"])
            self.assertEqual(rows[name]["path"], str(self.profiles / f"{name}.conf"))
        for name, says in (
            ("bad", "^line 11: unknown key"),
            ("folder", "is a directory"),
            ("fifo", "is a FIFO"),
            ("out", "symbolic link that leads out"),
            ("twice.conf", "cannot be the name"),
        ):
            self.assertRegex(rows[name]["error"], says)
        text = self.do("list")
        self.assertEqual(len(text.splitlines()), 1 + len(names))
        self.assertNotIn("\x1b", text)
        self.assertRegex(text, "(?m)^bad +- +error: line 11: unknown key 'Endpont'")
        self.assertRegex(text, "(?m)^work +- +10.0.0.2/32, fd00::2/128 +vpn.example.com:51820$")
        for name in ("folder", "fifo", "out"):
            for command in ("show", "export", "edit"):
                self.refuse("directory|FIFO|leads out", command, name)
        self.do("delete", "out")
        self.assertTrue(outside.exists())
        self.refuse("is a directory, and not removed. rmdir", "delete", "folder")

    def test_show_hides_keys(self) -> None:
        psk = GOOD.replace("AllowedIPs", f"PresharedKey = {PRIVATE}\nAllowedIPs")
        self.do("import", "-", "--name=work", text=psk.replace("ACCEPT", f"ACCEPT <(echo {PRIVATE})"))
        shown = self.do("show", "work")
        self.assertNotIn(PRIVATE[:10], shown + self.said)
        self.assertIn(f"PublicKey = {PUBLIC}", shown)
        self.assertEqual(shown.count("(hidden)"), 3)
        self.assertIn("do not run", self.said)
        self.assertEqual(self.do("show", "work", WG_HIDE_KEYS="never").count(PRIVATE), 3)
        (self.profiles / "bad.conf").write_text("x")
        self.refuse("bad.conf: line 1", "show", "bad")

    def test_tunnels_that_run_with_it(self) -> None:
        pair = pair_on_loopback(self)
        self.do("import", "-", "--name=work", text=pair.config.for_wg_quick())
        (self.profiles / "alias.conf").symlink_to("work.conf")
        running = self.wg4(pair.one, self.profiles / "alias.conf")
        rows = {row["name"]: row for row in json.loads(self.do("list", "--json"))}
        for name in ("work", "alias"):
            (tunnel,) = rows[name]["tunnels"]
            self.assertEqual(tunnel["pid"], running.pid)
        self.assertRegex(self.do("list"), "(?m)^work +wg0 ")
        for words in (["delete", "work"], ["delete", "alias"], ["rename", "work", "new"]):
            self.refuse(f"is used by wg0 .process {running.pid}.*--force", *words)
        self.do("edit", "work", EDITOR="sed -i s/^Address/#/")
        self.assertRegex(self.said, "'wireguard4netns reload wg0' applies the change")
        self.assertEqual(self.entries(), {"work.conf", "alias.conf"})
        self.do("rename", "work", "new", "--force")
        self.assertIn("warning", self.said)
        self.do("delete", "alias", "--force")
        running.stop()
        self.do("delete", "new")
        self.assertEqual(self.entries(), set())
        self.do("import", self.good, "--name=work", XDG_RUNTIME_DIR="")
        self.do("delete", "work", XDG_RUNTIME_DIR="")
        self.assertIn("XDG_RUNTIME_DIR is not set", self.said)


class Change(ProfileCase):
    def setUp(self) -> None:
        super().setUp()
        self.import_good()

    def test_rename(self) -> None:
        self.do("import", self.other, "--name=other")
        self.refuse("there is a profile 'other' already", "rename", "work", "other")
        self.refuse("cannot be the name", "rename", "work", "../x")
        self.refuse("cannot be the name", "rename", "../work", "x")
        self.do("rename", "work", "home")
        self.assertEqual((self.text_of("home"), self.text_of("other")), (GOOD, OTHER))
        # A name that is no longer given to new ones.
        (self.profiles / "an old one.conf").write_text(OTHER)
        self.do("rename", "an old one", "new")
        self.assertEqual(self.entries(), {"home.conf", "other.conf", "new.conf"})

    def test_export(self) -> None:
        target = self.files / "out.conf"
        self.assertEqual(self.do("export", "work"), GOOD)
        self.assertEqual(self.do("export", "work", "-"), GOOD)
        self.do("export", "work", target)
        self.assertEqual((target.read_text(), target.stat().st_mode & 0o777), (GOOD, 0o600))
        target.write_text("mine")
        target.chmod(0o644)
        self.refuse("there is a file .* already.*--replace", "export", "work", target)
        self.assertEqual(target.read_text(), "mine")
        self.do("export", "work", target, "--replace")
        self.assertEqual((target.read_text(), target.stat().st_mode & 0o777), (GOOD, 0o600))
        self.refuse("is a directory", "export", "work", self.files)
        self.refuse("open the folder", "export", "work", self.files / "none/x")
        self.refuse("no regular file.*> /dev/full", "export", "work", "/dev/full", "--replace")
        self.assertEqual({path.name for path in self.files.iterdir()}, {"out.conf"})
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [PROGRAM, "profile", "export", "work"], stdout=full, stderr=subprocess.PIPE, env=self.environment()
            )
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left on device", done.stderr)

    def test_edit(self) -> None:
        self.do("edit", "work", EDITOR="sed -i s/vpn.example/other.example/")
        self.assertEqual(self.text_of(), OTHER)
        self.assertIn("profile work is changed", self.said)
        # VISUAL comes first; it may be a line of a shell, and leave files beside.
        leaves = self.script(
            'cp "$2" "$2~"; cp "$2" "$(dirname "$2")/.swp"; mv "$2~" "$2"; chmod 666 "$2"; echo "# $1" >>"$2"'
        )
        self.do("edit", "work", EDITOR="false", VISUAL=f"{leaves} 'a b'")
        self.assertEqual(self.text_of(), OTHER + "# a b\n")
        self.assertEqual((self.profiles / "work.conf").stat().st_mode & 0o777, 0o600)
        self.do("edit", "work", EDITOR="true")
        self.assertIn("nothing was changed", self.said)
        self.assertEqual(self.entries(), {"work.conf"})

    def test_edits_that_come_to_nothing(self) -> None:
        stays = "profile 'work' stays as it was: "
        replaces = self.script(f'sed s/vpn/new/ "$1" >"$1~"; mv "$1~" "$1"; cp {self.other} {self.profiles}/work.conf')
        for editor, says in (
            ("sed -i s/Endpoint/Endpont/", "what you wrote: line 11: unknown key 'Endpont'. Did you mean Endpoint.$"),
            ("false", "the editor 'false' exited with status 1"),
            ("/nowhere/editor", "the editor '/nowhere/editor' could not be run. Set VISUAL or EDITOR"),
            ("rm", "No such file"),
            ("truncate -s 1T", "larger than 64 MiB"),
            (str(self.good), "could not be run"),
            (self.script("kill -9 $$"), "was killed by signal 9"),
            ("true; sh -c 'exit 3'", "exited with status 3"),
            (replaces, "'work' was changed by another program meanwhile"),
        ):
            with self.subTest(editor):
                self.refuse(stays + f".*({says})", "edit", "work", EDITOR=editor)
                self.assertIn(self.text_of(), (GOOD, OTHER))
                self.assertEqual(self.entries(), {"work.conf"})

    def test_a_link_is_not_edited(self) -> None:
        (self.profiles / "alias.conf").symlink_to("work.conf")
        self.refuse("'alias' is a symbolic link to another", "edit", "alias", EDITOR="true")
        self.assertEqual(self.do("export", "alias"), GOOD)

    def test_a_person_at_a_terminal_decides(self) -> None:
        # ... and mends it the second time.
        breaks = self.script(
            'grep -q Endpont "$1" && sed -i s/Endpont/Endpoint/ "$1" || sed -i "s/Endpoint/Endpont/;s/vpn/new/" "$1"'
        )
        for answer, kept, left, says in (
            (b"d\n", GOOD, {"work.conf"}, "'work' stays as it was"),
            (b"x\nd\n", GOOD, {"work.conf"}, "'work' stays as it was"),
            (b"\x03", GOOD, {"work.conf"}, "'work' stays as it was"),
            (b"\x04", GOOD, {"work.conf"}, "'work' stays as it was"),
            (b"k\n", GOOD, {"work.conf", "work.conf.rejected"}, "with its keys, is in .*work.conf.rejected"),
            (b"e\n", GOOD.replace("vpn", "new"), {"work.conf", "work.conf.rejected"}, "profile work is changed"),
        ):
            with self.subTest(answer):
                said = self.edit_on_terminal(breaks, answer)
                self.assertIn("line 11: unknown key 'Endpont'", said)
                self.assertRegex(said, says)
                self.assertEqual((self.text_of(), self.entries()), (kept, left))
        rejected = self.profiles / "work.conf.rejected"
        self.assertEqual(rejected.stat().st_mode & 0o777, 0o600)
        self.assertIn("new.example.com", rejected.read_text())

    def edit_on_terminal(self, editor: str, answer: bytes) -> str:
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(PROGRAM, [PROGRAM, "profile", "edit", "work"], self.environment(EDITOR=editor))
        said, answered, deadline = "", False, time.monotonic() + PATIENCE_S
        with contextlib.suppress(OSError):  # of the terminal's end
            while select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
                said += os.read(terminal, 65536).decode()
                if "[e] " in said and not answered:
                    answered = True
                    os.write(terminal, answer)
        os.close(terminal)
        os.waitpid(pid, 0)
        return said


class Several(ProfileCase):
    """Processes that change the same profile, and processes that are killed."""

    def setUp(self) -> None:
        super().setUp()
        self.import_good()

    @contextlib.contextmanager
    def editor_open(self):
        """An editor that has changed the copy, and waits for the file `go`."""
        started, go = self.files / "started", self.files / "go"
        editor = self.script(f'sed -i s/vpn/new/ "$1"; echo $$ >{started}; while ! [ -e {go} ]; do sleep 0.05; done')
        process = subprocess.Popen(
            [PROGRAM, "profile", "edit", "work"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=self.environment(EDITOR=editor),
        )
        try:
            self.assertTrue(wait_until(lambda: started.exists() and started.read_text().strip(), PATIENCE_S))
            process.editor = int(started.read_text())
            yield process
        finally:
            go.touch()
            process.communicate(timeout=PATIENCE_S)

    def test_two_editors(self) -> None:
        self.do("import", self.other, "--name", "other")
        with self.editor_open() as first:
            says = f"profile 'work' is being edited by process {first.pid}. End that editor first"
            for words in (
                ["edit", "work"],
                ["delete", "work"],
                ["rename", "work", "new"],
                ["rename", "other", "work"],
                ["import", self.other, "--name=work", "--replace"],
            ):
                self.refuse(says, *words, EDITOR="true")
            # Other profiles can be changed, and this one can be read.
            self.do("edit", "other", EDITOR="sed -i s/other/third/")
            self.assertEqual(self.do("export", "work"), GOOD)
            self.do("list")
        self.assertEqual(first.returncode, 0)
        self.assertEqual(self.text_of(), GOOD.replace("vpn", "new"))
        self.assertEqual(self.entries(), {"work.conf", "other.conf"})

    def test_an_editor_that_is_killed(self) -> None:
        with self.editor_open() as edit:
            edit.kill()
            edit.wait()
            self.assertTrue(wait_until(lambda: has_ended(edit.editor), PATIENCE_S))
            self.assertEqual(len(self.entries()), 2)
            self.do("list")
            self.assertEqual(self.entries(), {"work.conf"})
        self.assertEqual(self.text_of(), GOOD)

    def test_an_editor_whose_terminal_ends(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            (self.files / "started").unlink(missing_ok=True)
            (self.files / "go").unlink(missing_ok=True)
            with self.editor_open() as edit:
                edit.send_signal(signal.SIGINT)  # this one is the editor's
                edit.send_signal(number)
                _, said = edit.communicate(timeout=PATIENCE_S)
                self.assertIn(b"'work' stays as it was: ended by signal", said)
                self.assertEqual(edit.returncode, 1)
                self.assertEqual((self.text_of(), self.entries()), (GOOD, {"work.conf"}))
                self.assertTrue(wait_until(lambda: has_ended(edit.editor), PATIENCE_S))

    def test_many_at_once(self) -> None:
        """Each import succeeds or finds that another was first; each replacement is whole."""
        running = [
            subprocess.Popen(
                [PROGRAM, "profile", "import", path, f"--name={name}", *more],
                stderr=subprocess.PIPE,
                text=True,
                env=self.environment(),
            )
            for path, name, *more in [
                *[(self.good, "new")] * 10,
                *[(path, "work", "--replace") for path in [self.good, self.other] * 5],
            ]
        ]
        said = [process.communicate(timeout=PATIENCE_S)[1] for process in running]
        made = [process.returncode for process in running]
        self.assertEqual((made[:10].count(0), made[10:]), (1, [0] * 10), said)
        self.assertIn(self.text_of(), (GOOD, OTHER))
        self.assertEqual(self.entries(), {"work.conf", "new.conf"})

    def test_killed_at_any_call(self) -> None:
        """The old file or the new one, and no other after the next look."""
        commands = (
            ("import", str(self.other), "--name=work", "--replace"),
            ("import", str(self.other), "--name=new"),
            ("edit", "work"),
        )
        calls = "mkdir openat flock write fchmod fsync renameat renameat2 unlinkat rmdir".split()
        killed = 0
        for command in commands:
            for call in calls:
                for when in (1, 2, 3):
                    with self.subTest(command=command, call=call, when=when):
                        killed += self.kill_at(command, call, when)
        self.assertGreater(killed, 20)

    def kill_at(self, command: tuple[str, ...], call: str, when: int) -> bool:
        # Calls before the profiles are opened are those of every program.
        inject = f"--inject={call}:signal=KILL:when={when}"
        where = ("-P", str(self.profiles)) if call == "openat" else ()
        prefix = ("strace", "-qqq", "-o", "/dev/null", *where, f"--trace={call}", inject)
        done = self.run_profile(*command, prefix=prefix, EDITOR="sed -i s/vpn.example/other.example/")
        self.do("list")
        self.assertLessEqual(self.entries(), {"work.conf", "new.conf"})
        self.assertIn(self.text_of(), (GOOD, OTHER))
        if "new.conf" in self.entries():
            self.assertEqual(self.text_of("new"), OTHER)
            self.do("delete", "new")
        self.do("import", self.good, "--name=work", "--replace")
        return done.returncode == -signal.SIGKILL


if __name__ == "__main__":
    harness.main()
