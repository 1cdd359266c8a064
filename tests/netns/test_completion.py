"""Completion scripts, in the shells that they are for."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import time

import harness
from processes import wait_until
from program import bindir

COMMANDS = {"check", "serve", "genkey", "oci-hook"}


class CompletionCase(harness.TestCase):
    shell = ""

    def setUp(self) -> None:
        super().setUp()
        self.assertTrue(shutil.which(self.shell), f"install the package {self.shell}")
        self.home = self.scratch.folder / "00-home"
        profiles = self.home / ".config" / "wireguard4netns" / "profiles"
        profiles.mkdir(parents=True)
        for name in ("amsterdam", "work"):
            (profiles / f"{name}.conf").touch()
        (self.home / "office.conf").touch()
        (self.home / "run" / "wireguard4netns" / "ns" / "berlin").mkdir(parents=True)
        (self.home / "run" / "wireguard").mkdir()
        (self.home / "run" / "wireguard" / "wg7.sock").touch()
        self.script = self.home / f"script.{self.shell}"
        self.script.write_bytes(
            subprocess.run(
                [bindir() / "wireguard4netns", "completion", self.shell],
                check=True,
                capture_output=True,
            ).stdout
        )

    def environment(self) -> dict[str, str]:
        runtime = {"XDG_RUNTIME_DIR": str(self.home / "run")}
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "dumb", "COLUMNS": "200", **runtime}

    def complete(self, line: str) -> set[str]:
        """The words that may take the last one's place."""
        raise NotImplementedError

    def check_all(self) -> None:
        self.assertLessEqual(COMMANDS, self.complete("wireguard4netns "))
        self.assertEqual(self.complete("wireguard4netns ch"), {"check"})
        self.assertIn("--log-level", self.complete("wireguard4netns --lo"))
        self.assertEqual(self.complete("wireguard4netns --sandbox o"), {"on", "off"})
        self.assertEqual(self.complete("wireguard4netns --profile "), {"amsterdam", "work"})
        self.assertEqual(self.complete("wireguard4netns --config of"), {"office.conf"})
        self.assertEqual(self.complete("wireguard4netns check of"), {"office.conf"})
        self.assertEqual(self.complete("wireguard4netns netavark se"), {"setup"})
        self.assertEqual(self.complete("wireguard4netns serve --tun"), {"--tun-fd"})
        self.assertEqual(self.complete("wireguard4netns check --tun"), set())
        self.assertEqual(self.complete("wireguard4netns profile imp"), {"import"})
        self.assertEqual(self.complete("wireguard4netns profile import of"), {"office.conf"})
        self.assertEqual(self.complete("wireguard4netns profile import --q"), {"--qr"})
        self.assertEqual(self.complete("wireguard4netns profile import --qr of"), {"office.conf"})
        self.assertEqual(self.complete("wireguard4netns profile edit am"), {"amsterdam"})
        self.assertLessEqual({"amsterdam", "work"}, self.complete("wireguard4netns profile show "))
        self.assertEqual(self.complete("wireguard4netns profile export work of"), {"office.conf"})
        self.assertEqual(self.complete("wireguard4netns profile list --watch"), set())
        for command in ("exec", "shell", "down"):
            self.assertEqual(self.complete(f"wireguard4netns {command} b"), {"berlin"})
            self.assertEqual(self.complete(f"wireguard4netns {command} wg"), set())
        for command in ("show", "reload", "capture"):
            self.assertEqual(self.complete(f"wireguard4netns {command} wg"), {"wg7"})
        for command in ("run", "up"):
            self.assertEqual(self.complete(f"wireguard4netns {command} am"), {"amsterdam"})
            self.assertEqual(self.complete(f"wireguard4netns {command} of"), {"office.conf"})
        self.assertEqual(self.complete("wireguard4netns desktop a"), {"add"})
        self.assertEqual(self.complete("wireguard4netns seccomp print --mu"), {"--multiarch"})
        self.assertEqual(self.complete("wireguard4netns show --wat"), {"--watch"})


class Bash(CompletionCase):
    shell = "bash"

    def complete(self, line: str) -> set[str]:
        words = line.split(" ")
        program = f"""
            source {self.script}
            COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
            COMP_CWORD={len(words) - 1}
            _wireguard4netns
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        done = subprocess.run(
            ["bash", "--norc", "-euc", program],
            env=self.environment(),
            cwd=self.home,
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.stderr, "")
        return set(done.stdout.split())

    def test_completion(self) -> None:
        self.check_all()

    def test_words_around_an_equals_sign(self) -> None:
        """bash takes --sandbox=o for three."""
        self.assertEqual(self.complete("wireguard4netns --sandbox = o"), {"on", "off"})
        self.assertEqual(self.complete("wireguard4netns --sandbox ="), {"auto", "on", "off"})


class Fish(CompletionCase):
    shell = "fish"

    def complete(self, line: str) -> set[str]:
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source {self.script}; complete -C '{line}'"],
            env=self.environment(),
            cwd=self.home,
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.stderr, "")
        # fish 4 offers, after these, words that have the same letters among others: --outbound-addr for --tun.
        typed = line.rpartition(" ")[2]
        return {row.split("\t")[0] for row in done.stdout.splitlines() if row.startswith(typed)}

    def test_completion(self) -> None:
        self.check_all()


class Zsh(CompletionCase):
    shell = "zsh"

    # The key ^X writes the line to a file.
    STARTUP = """
        PS1='ready> '; unsetopt PROMPT_SP PROMPT_CR
        autoload -U compinit; compinit -u -D; source ~/script.zsh
        write() { print -r -- "$BUFFER" >~/line; }; zle -N write; bindkey '^X' write
    """

    def setUp(self) -> None:
        super().setUp()
        (self.home / ".zshrc").write_text(self.STARTUP)

    def completed(self, line: str) -> str:
        """The line after completion by an interactive shell."""
        written = self.home / "line"
        written.unlink(missing_ok=True)
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.home)
            os.execvpe("zsh", ["zsh", "-d", "-i"], self.environment())
        try:
            self.read_until(terminal, "ready> ")
            os.write(terminal, line.encode() + b"\t\x18")
            self.assertTrue(wait_until(lambda: written.exists() and written.read_text(), 20))
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(terminal)
        return written.read_text().strip()

    def read_until(self, terminal: int, end: str) -> None:
        text, deadline = "", time.monotonic() + 20
        while end not in text:
            ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
            self.assertTrue(ready, f"zsh says no more than {text!r}")
            text += os.read(terminal, 65536).decode(errors="replace")

    def test_completion(self) -> None:
        for line, completed in {
            "che": "check",
            "--log-l": "--log-level=",
            "--sandbox=of": "--sandbox=off",
            "--sandbox of": "--sandbox off",
            "--profile=am": "--profile=amsterdam",
            "--config=of": "--config=office.conf",
            "check of": "check office.conf",
            "netavark se": "netavark setup",
            "serve --tun": "serve --tun-fd=",
            "check --tun": "check --tun",
            "profile imp": "profile import",
            "profile import of": "profile import office.conf",
            "profile import --q": "profile import --qr=",
            "profile edit am": "profile edit amsterdam",
            "profile export work of": "profile export work office.conf",
            "profile list --wat": "profile list --wat",
            "exec b": "exec berlin",
            "show wg": "show wg7",
            "run am": "run amsterdam",
            "up of": "up office.conf",
        }.items():
            with self.subTest(line=line):
                self.assertEqual(
                    self.completed(f"wireguard4netns {line}"), f"wireguard4netns {completed}"
                )


if __name__ == "__main__":
    harness.main()
