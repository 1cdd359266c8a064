"""Applications in the menus that start in a tunnel, and the warning of programs that hand over to a running process."""

import json
import shutil
import subprocess
from pathlib import Path

import harness
from fixtures import THEIRS, LoopbackPeer
from processes import PATIENCE_S, background, read_line
from program import bindir, program_environment

PROGRAM = str(bindir() / "wireguard4netns")


class DesktopCase(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = self.scratch.folder / "00-home"
        self.own = self.home / ".local" / "share" / "applications"
        self.system = self.scratch.folder / "00-share" / "applications"
        self.system.mkdir(parents=True)
        profiles = self.home / ".config" / "wireguard4netns" / "profiles"
        profiles.mkdir(parents=True)
        self.profile = profiles / "work.conf"
        text = LoopbackPeer(self).config.for_wg_quick()
        self.profile.write_text(text.replace("[Peer]", f"DNS = {THEIRS}\n[Peer]", 1))
        self.profile.chmod(0o600)

    def environment(self) -> dict[str, str]:
        return program_environment(self.scratch, HOME=str(self.home), XDG_DATA_DIRS=str(self.system.parent))

    def program(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *words], env=self.environment(), capture_output=True, text=True, timeout=PATIENCE_S
        )

    def application(self, id: str, *lines: str) -> Path:
        path = self.system / f"{id}.desktop"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["[Desktop Entry]", "Type=Application", f"Name={id}", *lines, ""]))
        return path


class Desktop(DesktopCase):
    def assert_refused(self, words: list[str], *parts: str) -> None:
        done = self.program("desktop", *words)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        for part in parts:
            self.assertIn(part, done.stderr)
        self.assertEqual(sorted(self.own.glob("*")) if self.own.exists() else [], [])

    def test_add_list_remove(self) -> None:
        self.application("pinger", f'Exec=ping -c1 "{THEIRS}" %u', "DBusActivatable=true")
        done = self.program("desktop", "add", "pinger", "work")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        file = self.own / "wireguard4netns-work-pinger.desktop"
        self.assertEqual(done.stdout, f"{file}\n")
        lines = file.read_text().splitlines()
        self.assertIn("Name=pinger (work)", lines)
        self.assertIn("DBusActivatable=false", lines)
        self.assertEqual(file.stat().st_mode & 0o777, 0o644)
        if validate := shutil.which("desktop-file-validate"):
            subprocess.run([validate, file], check=True)

        # As a menu does it: the field code is nothing here, and the rest is words.
        (command,) = (line.removeprefix("Exec=") for line in lines if line.startswith("Exec="))
        started = subprocess.run(
            ["sh", "-c", command.removesuffix(" %u")], env=self.environment(), capture_output=True, timeout=PATIENCE_S
        )
        self.assertEqual(started.returncode, 0, started.stderr)
        self.assertIn(b"1 received", started.stdout)

        self.assertEqual(self.program("desktop", "list").stdout.split(), ["pinger.desktop", "work"])
        wanted = [{"application": "pinger.desktop", "profile": "work", "file": str(file)}]
        self.assertEqual(json.loads(self.program("desktop", "list", "--json").stdout), wanted)

        foreign = self.own / "wireguard4netns-other-pinger.desktop"
        foreign.write_text((self.system / "pinger.desktop").read_text())
        self.assertEqual(self.program("desktop", "add", "pinger", "work").returncode, 0, "once more: in its own place")
        self.assertEqual(self.program("desktop", "remove", "pinger", "work").returncode, 0)
        self.assertEqual(list(self.own.iterdir()), [foreign])
        done = self.program("desktop", "remove", "pinger")
        self.assertEqual(done.returncode, 1)
        self.assertIn("desktop add has made no entry for pinger. There is none", done.stderr)

    def test_where_applications_are_looked_for(self) -> None:
        self.application("kde/tool", "Exec=true")
        self.application("tool", "Exec=false")
        self.own.mkdir(parents=True)
        (self.own / "tool.desktop").write_text("[Desktop Entry]\nType=Application\nName=mine\nExec=true\n")
        config = self.scratch.file("my vpn.conf", self.profile.read_text())
        self.assertEqual(self.program("desktop", "add", "kde-tool.desktop", "work").returncode, 0)
        self.assertEqual(self.program("desktop", "add", "tool", str(config)).returncode, 0)
        name = config.name.removesuffix(".conf")
        text = (self.own / f"wireguard4netns-{name}-tool.desktop").read_text()
        self.assertIn(f"Name=mine ({name})\n", text)
        self.assertIn(f'Exec={PROGRAM} run "{config}" -- true\n', text)

    def test_refused(self) -> None:
        self.application("org.example.Browser", "Exec=true")
        self.application("snapped", "Exec=/snap/bin/snapped %U")
        self.application("packed", "Exec=/usr/bin/flatpak run org.example.Packed")
        self.application("broken", 'Exec="true')
        similar = "There is org.example.Browser.desktop"
        self.assert_refused(["add", "browser", "work"], "no application of the name browser", similar)
        self.assert_refused(["add", "snapped", "work"], "is a snap")
        self.assert_refused(["add", "packed", "work"], "is a Flatpak")
        self.assert_refused(["add", "broken", "work"], "the quote in Exec does not end")
        self.assert_refused(["add", "org.example.Browser", "none"], "none.conf")
        self.profile.write_text("[Interface]\nNonsense = 1\n")
        self.assert_refused(["add", "org.example.Browser", "work"], "Nonsense")

    def test_a_file_of_somebody_elses_stays(self) -> None:
        self.application("tool", "Exec=true")
        self.own.mkdir(parents=True)
        there = self.own / "wireguard4netns-work-tool.desktop"
        there.write_text("[Desktop Entry]\n")
        done = self.program("desktop", "add", "tool", "work")
        self.assertEqual(done.returncode, 1)
        self.assertIn("was not made by wireguard4netns desktop add", done.stderr)
        self.assertEqual(list(self.own.iterdir()), [there])
        self.assertEqual(there.read_text(), "[Desktop Entry]\n")


class Handover(DesktopCase):
    def test_warned_of(self) -> None:
        """A program of that name runs outside, or inside only, or nowhere."""
        folder = self.scratch.folder / "00-bin"
        folder.mkdir()
        browser = folder / "chromium"
        shutil.copy(shutil.which("sleep"), browser)
        self.application("chromium", f"Exec={browser} 0")
        hint = "--user-data-dir=FOLDER"
        self.assertIn(hint, self.program("desktop", "add", "chromium", "work").stderr)
        run = ("run", "work", "--", str(browser))
        self.assertEqual(self.program(*run, "0").stderr, "")
        argv = [PROGRAM, "run", "work", "--", "sh", "-c", f"{browser} inf >/dev/null 2>&1 & echo; wait"]
        with background(argv, env=self.environment()) as inside:
            read_line(inside)
            self.assertEqual(self.program(*run, "0").stderr, "")
            inside.terminate()
            inside.wait(PATIENCE_S)
        self.program("down", "--force", "work")  # what the shell has left
        with background([str(browser), "inf"]) as outside:
            done = self.program(*run, "0")
            self.assertEqual(done.returncode, 0)
            self.assertIn(f"chromium may hand its work to process {outside.pid}, which is outside", done.stderr)
            self.assertIn(hint, done.stderr)
            self.assertNotIn(hint, self.program(*run, "--user-data-dir=/x").stderr)


if __name__ == "__main__":
    harness.main()
