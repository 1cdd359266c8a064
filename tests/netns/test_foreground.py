"""A command that our client runs behaves, for a shell and at a terminal, as it does without the client.

Most tests drive the same lines twice, without and with the client (foreground_client, which does what `run` does
between a shell and a command): both screens have to be the same. The lines say `$W COMMAND`, where W is empty or the
client.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import harness
from namespaces import PYTHON
from processes import descendants, process_table, status_field, wait_until
from program import bindir
from terminal import CTRL_BACKSLASH, CTRL_C, CTRL_D, CTRL_Z, PROMPT, Shell

UP = r"(?m)^up\r\n"  # what a command says that runs now; a line that was typed has no such line
INNER = r"inner:\d+> "

# Says each signal that it gets; ends by SIGQUIT, or with 7 at the end of its input.
TALLY = """
import os, signal, sys, time
def tell(number, _):
    size = os.get_terminal_size() if number == signal.SIGWINCH and os.isatty(0) else ""
    os.write(1, f"got {signal.Signals(number).name} {size}".strip().encode() + b"\\n")
signal.signal(signal.SIGINT, signal.SIG_DFL)
for name in sys.argv[1:]:
    signal.signal(getattr(signal, "SIG" + name), tell)
os.write(1, b"up\\n")
while True:
    time.sleep(0.05)  # pause() would sleep through a signal that comes just before it
"""

# Suspends as editors do: puts itself in order, and then stops all of its job.
EDITOR = """
import os, signal, time
def suspend(*_):
    os.write(1, b"suspending\\n")
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    os.kill(0, signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, suspend)
    os.write(1, b"again\\n")
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGTSTP, suspend)
os.write(1, b"up\\n")
while True:
    time.sleep(0.05)  # pause() would sleep through a signal that comes just before it
"""

# Reads all of its input, and then one key from the terminal.
PAGER = """
import os, sys, termios, tty
data = sys.stdin.buffer.read()
terminal = os.open("/dev/tty", os.O_RDWR)
before = termios.tcgetattr(terminal)
tty.setraw(terminal)
os.write(terminal, b"%d bytes\\r\\n:" % len(data))
key = os.read(terminal, 1)
termios.tcsetattr(terminal, termios.TCSADRAIN, before)
print(f"\\nkey {key.decode()}")
"""


def client() -> str:
    return str(bindir() / "foreground_client")


def in_state(pid: int, states: str) -> bool:
    try:
        return status_field(pid, "State")[0] in states
    except OSError:
        return "X" in states


class ForegroundCase(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = self.scratch.folder / "00-scripts"
        self.folder.mkdir()
        for name, text in {"tally": TALLY, "editor": EDITOR, "pager": PAGER}.items():
            script = self.folder / name
            script.write_text(f"#!{PYTHON} -B\n{text}")
            script.chmod(0o755)

    def environment(self, prefix: str) -> dict[str, str]:
        return {"PATH": f"{self.folder}:{os.environ['PATH']}", "HOME": str(self.folder), "W": prefix}

    def shell(self, prefix: str, *command: str) -> Shell:
        shell = self.enterContext(Shell(self.environment(prefix), str(self.folder), command or Shell.BASH))
        if not command:
            shell.see(PROMPT)
        return shell

    def play(self, drive: Callable[[Shell], object]) -> list[str]:
        """What was on the screen without the client, and with it."""
        screens = []
        for prefix in ("", client()):
            with self.subTest(prefix=prefix):
                shell = self.shell(prefix)
                drive(shell)
                shell.type("exit 0\n")
                shell.see(r"exit\r\n")
                os.waitpid(shell.pid, 0)
                screens.append(re.sub(r"\[(\d+)\] \d+", r"[\1] PID", shell.screen))
                shell.close()
        self.assertEqual(len(screens), 2)
        return screens

    def compare(self, drive: Callable[[Shell], object]) -> str:
        """What was on the screen, which is the same without and with the client."""
        without, with_client = self.play(drive)
        self.assertEqual(without, with_client)
        return without

    def go_on(self, shell: Shell, until: str) -> None:
        """fg: a key that is typed before the job has the terminal, or runs, is lost."""
        stopped_at = shell.foreground_group()
        shell.run("fg", until)
        self.assertTrue(wait_until(lambda: shell.foreground_group() != stopped_at, 5))
        self.assertTrue(wait_until(lambda: all(entry.state != "T" for entry in descendants(shell.pid)), 5))

    def command(self, shell: Shell, name: str) -> int:
        """The PID of the command, which runs below the shell."""
        found: list[int] = []

        def look() -> bool:
            found[:] = [entry.pid for entry in descendants(shell.pid) if entry.name == name]
            return len(found) == 1

        self.assertTrue(wait_until(look, 5), f"{name}: {found}")
        return found[0]


class Keys(ForegroundCase):
    def test_interrupt(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W sh -c 'echo up; exec sleep 100'", UP)
            shell.type(CTRL_C)
            self.assertIn("outer:130> ", shell.see(PROMPT))
            self.assertIn("still here", shell.run("echo still here"))

        self.compare(drive)

    def test_interrupt_ends_a_loop(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("for i in 1 2 3; do $W sh -c 'echo up; exec sleep 100'; done", UP)
            shell.type(CTRL_C)
            self.assertIn("outer:130> ", shell.see(PROMPT))

        self.assertEqual(len(re.findall(UP, self.compare(drive))), 1)

    def test_interrupt_ends_a_script(self) -> None:
        """A script's shell goes on with its next line, if the command has not died of the signal."""
        (self.folder / "script").write_text("$W sh -c 'echo up; exec sleep 100'\necho next line\n")

        def drive(shell: Shell) -> None:
            shell.run("bash ./script", UP)
            shell.type(CTRL_C)
            self.assertNotIn("next line", shell.see(PROMPT))

        self.compare(drive)

    def test_keys_that_a_command_handles_arrive_once(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W tally INT TSTP", UP)
            for _ in range(3):
                shell.type(CTRL_C)
                shell.see("got SIGINT\r\n")
            shell.type(CTRL_Z)
            shell.see("got SIGTSTP\r\n")
            shell.type(CTRL_BACKSLASH)
            shell.see(PROMPT)

        # Whether there is a core is another matter: none is of ours.
        self.compare(lambda shell: (shell.run("ulimit -c 0"), drive(shell)))

    def test_resize(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W tally WINCH", UP)
            shell.resize(50, 132)
            shell.see(r"got SIGWINCH os.terminal_size\(columns=132, lines=50\)")
            shell.type(CTRL_C)
            self.assertNotIn("got", shell.see(PROMPT))

        self.compare(drive)

    def test_end_of_input(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W cat", "")
            shell.type("a line\n")
            shell.see("a line\r\na line\r\n")
            shell.type(CTRL_D)
            self.assertIn("outer:0> ", shell.see(PROMPT))

        self.compare(drive)


class Jobs(ForegroundCase):
    def test_suspend_and_go_on(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W sh -c 'echo up; exec sleep 100'", UP)
            command = self.command(shell, "sleep")
            for _ in range(3):
                shell.type(CTRL_Z)
                self.assertIn("outer:148> ", shell.see(PROMPT))
                self.assertTrue(in_state(command, "T"))
                self.assertIn("Stopped", shell.run("jobs"))
                shell.run("bg")
                self.assertTrue(wait_until(lambda: in_state(command, "S"), 5))
                self.assertIn("Running", shell.run("jobs"))
                self.go_on(shell, r"sleep 100'\r\n")
                self.assertTrue(in_state(command, "S"))
            shell.type(CTRL_C)
            self.assertIn("outer:130> ", shell.see(PROMPT))

        self.compare(drive)

    def test_suspend_as_an_editor_does(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W editor", UP)
            for _ in range(3):
                shell.type(CTRL_Z)
                self.assertIn("suspending", shell.see(PROMPT))
                self.go_on(shell, "again")
            shell.type(CTRL_C)
            self.assertNotIn("again", shell.see(PROMPT))

        self.compare(drive)

    def test_quick_fingers(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W sh -c 'echo up; exec sleep 100'", UP)
            for _ in range(20):
                shell.type(CTRL_Z)
                shell.see(PROMPT)
                self.go_on(shell, r"sleep 100'\r\n")
            shell.type(CTRL_C)
            self.assertIn("outer:130> ", shell.see(PROMPT))

        self.compare(drive)

    def test_background(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W sh -c 'exit 3' & wait $!; echo status $?", PROMPT)
            shell.run("wait; jobs", PROMPT)
            shell.run("$W sleep 100 &")
            self.assertIn("Running", shell.run("jobs"))
            shell.run("kill %1; wait %1")

        self.assertIn("Terminated", self.compare(drive))

    def test_background_reads_the_terminal(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W sh -c 'read word; echo the word is $word' &")
            command = self.command(shell, "sh")
            self.assertTrue(wait_until(lambda: in_state(command, "T"), 5))
            self.assertTrue(wait_until(lambda: self.all_stopped(shell), 5))
            self.assertIn("Stopped", shell.run("jobs"))
            self.go_on(shell, r"word'\r\n")
            shell.type("hello\n")
            self.assertIn("the word is hello", shell.see(PROMPT))

        self.play(drive)  # bash may say at any prompt that the job has stopped

    def all_stopped(self, shell: Shell) -> bool:
        return all(entry.state == "T" for entry in descendants(shell.pid))

    def test_stopped_from_elsewhere(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W sh -c 'echo up; exec sleep 100'", UP)
            os.kill(self.command(shell, "sleep"), signal.SIGSTOP)
            self.assertIn("outer:147> ", shell.see(PROMPT))
            self.go_on(shell, r"sleep 100'\r\n")
            command = self.command(shell, "sleep")
            self.assertTrue(wait_until(lambda: in_state(command, "S"), 5))
            shell.type(CTRL_C)
            shell.see(PROMPT)

        self.compare(drive)

    def test_killed_while_stopped(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W sh -c 'echo up; exec sleep 100'", UP)
            shell.type(CTRL_Z)
            shell.see(PROMPT)
            shell.type("kill %1\n")
            # Bash may leave the dead for its next command.
            self.assertTrue(wait_until(lambda: all(entry.state == "Z" for entry in descendants(shell.pid)), 5))
            shell.run("jobs")
            self.assertIn("Terminated", shell.screen)

        self.play(drive)  # bash may say it at any prompt


class InnerShell(ForegroundCase):
    START = f"PS1='inner:$?> ' $W {' '.join(Shell.BASH)}"

    def test_jobs_of_an_inner_shell(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run(self.START, INNER)
            shell.run("sh -c 'echo up; exec sleep 100'", UP)
            shell.type(CTRL_Z)
            self.assertIn("Stopped", shell.see(INNER))
            self.go_on(shell, r"sleep 100'\r\n")
            shell.type(CTRL_C)
            self.assertIn("inner:130> ", shell.see(INNER))
            self.assertIn("outer:3> ", shell.run("exit 3"))
            self.assertIn("outer:0> ", shell.run("cat /dev/null"))

        self.compare(drive)

    def test_suspend_an_inner_shell(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run(self.START, INNER)
            for _ in range(3):
                self.assertIn("Stopped", shell.run("suspend"))
                shell.run("fg", INNER)
                self.assertIn("inside\r\n", shell.run("echo inside", INNER))
            self.assertIn("outer:4> ", shell.run("exit 4"))

        self.compare(drive)

    def test_killed_inner_shell(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run(self.START, INNER)
            self.assertIn("outer:137> ", shell.run("kill -9 $$"))
            shell.run("stty -a | grep -o ' icanon .*echo '")
            shell.run("cat", "")
            shell.type("a line\n")
            shell.see("a line\r\na line\r\n")
            shell.type(CTRL_D)
            shell.see(PROMPT)

        self.compare(drive)

    def test_killed_inner_shell_of_a_script(self) -> None:
        """The script's shell takes no terminal back by itself."""
        (self.folder / "script").write_text(f"{self.START}\nread word\necho the word is $word\n")

        def drive(shell: Shell) -> None:
            shell.run("sh ./script", INNER)
            inner = shell.foreground_group()
            shell.type("kill -9 $$\n")
            self.assertTrue(wait_until(lambda: shell.foreground_group() != inner, 5))
            shell.type("hello\n")
            self.assertIn("the word is hello", shell.see(PROMPT))

        drive(self.shell(client()))

    def test_inner_shell_in_a_pid_namespace(self) -> None:
        """It cannot give the terminal back: our group is not in its namespace."""
        self.skip_without_user_namespaces()
        shell = self.shell(f"{client()} --pid-namespace")
        shell.run(self.START, INNER)
        shell.run("sh -c 'echo up; exec sleep 100'", UP)
        shell.type(CTRL_C)
        self.assertIn("inner:130> ", shell.see(INNER))
        self.assertIn("outer:5> ", shell.run("exit 5"))
        self.assertEqual(shell.foreground_group(), shell.pid)
        self.assertIn("outer:0> ", shell.run("cat /dev/null"))

    def skip_without_user_namespaces(self) -> None:
        if subprocess.run(["unshare", "-U", "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("this host allows no user namespaces")


class Pipelines(ForegroundCase):
    def test_a_reader_that_leaves(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W yes | head -1; echo ${PIPESTATUS[@]}")

        self.assertIn("141 0", self.compare(drive))

    def test_a_chain(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W cat | $W cat", "")
            shell.type("a line\n")
            shell.see("a line\r\na line\r\n")
            shell.type(CTRL_Z)
            shell.see(PROMPT)
            self.go_on(shell, r"cat\r\n")
            shell.type("more\n")
            shell.see("more\r\nmore\r\n")
            shell.type(CTRL_D)
            shell.see(PROMPT)
            shell.run("$W sh -c 'exit 4' | $W sh -c 'exit 5' | $W cat; echo ${PIPESTATUS[@]}")

        self.assertIn("4 5 0", self.compare(drive))

    def test_a_pager(self) -> None:
        def drive(shell: Shell) -> None:
            for line in ("$W seq 1000 | pager", "seq 1000 | $W pager", "$W seq 1000 | $W pager"):
                shell.run(line, "3893 bytes\r\n:")
                shell.type("q")
                self.assertIn("key q", shell.see(PROMPT))

        self.compare(drive)

    def test_a_pager_outlives_its_killed_source(self) -> None:
        """Its terminal stays as the pager has set it."""

        def drive(shell: Shell) -> None:
            shell.run("$W sh -c 'seq 1000; kill -9 $$' | pager", "3893 bytes\r\n:")
            shell.type("q")
            self.assertIn("key q", shell.see(PROMPT))

        self.compare(drive)

    def test_interrupt(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("$W sh -c 'echo up; exec sleep 100' | $W cat", UP)
            shell.type(CTRL_C)
            shell.see(PROMPT)

        self.compare(drive)


class Endings(ForegroundCase):
    def test_a_killed_command_leaves_a_usable_terminal(self) -> None:
        def drive(shell: Shell) -> None:
            shell.run("stty -a | grep -o '.icanon.*echo '")
            self.assertIn("outer:137> ", shell.run("$W sh -c 'stty raw -echo; kill -9 $$'"))
            shell.run("stty -a | grep -o '.icanon.*echo '")
            shell.run("$W sh -c 'kill -TERM $$'")
            shell.run("$W sh -c 'kill -SEGV $$'")

        self.compare(lambda shell: (shell.run("ulimit -c 0"), drive(shell)))

    def test_a_closed_terminal(self) -> None:
        """The session's leader alone hears of it: in a window that runs nothing but us, that is us."""
        for prefix in ([], [client()]):
            with self.subTest(prefix=prefix):
                heard = self.folder / f"heard{len(prefix)}"
                shell = self.shell("", *prefix, "sh", "-c", f"exec tally HUP >{heard}")
                self.assertTrue(wait_until(lambda: heard.exists() and "up" in heard.read_text(), 5))
                shell.close()
                self.assertTrue(wait_until(lambda: "got" in heard.read_text(), 5))
                self.assertEqual(heard.read_text(), "up\ngot SIGHUP\n")
                os.kill(shell.pid, signal.SIGTERM)
                os.waitpid(shell.pid, 0)

    def test_a_shell_that_ends(self) -> None:
        for prefix in ("", client()):
            with self.subTest(prefix=prefix):
                shell = self.shell(prefix)
                shell.run("$W sh -c 'echo up; exec sleep 100'", UP)
                shell.close()
                self.assertTrue(wait_until(lambda: not self.sleepers(), 5))
                os.waitpid(shell.pid, 0)

    def sleepers(self) -> list[int]:
        return [entry.pid for entry in process_table() if entry.name == "sleep" and entry.state != "Z"]

    def test_script(self) -> None:
        def drive(shell: Shell) -> None:
            self.assertIn("outer:4> ", shell.run("script -qec \"$W sh -c 'tty -s; exit 4'\" /dev/null"))
            self.assertIn("outer:6> ", shell.run("setsid -w $W sh -c 'exit 6'"))

        self.compare(drive)


class WithoutTerminal(ForegroundCase):
    """Nobody but a parent, which reads the wait status: 128+n for a signal."""

    def start(self, *command: str | bytes, **options) -> subprocess.Popen[bytes]:
        environment = options.pop("env", self.environment(""))
        process = subprocess.Popen(
            [client(), *command], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **options
        )
        self.addCleanup(self.end, process)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        process.stdout.close()

    def run_to_end(self, *command: str | bytes, **options) -> tuple[int, bytes]:
        process = self.start(*command, **options)
        output, _ = process.communicate()
        return process.returncode, output

    def line(self, process: subprocess.Popen[bytes]) -> bytes:
        return process.stdout.readline()

    def test_every_status(self) -> None:
        script = f'for n in $(seq 0 255); do {client()} sh -c "exit $n"; echo $?; done'
        done = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
        self.assertEqual(done.stdout.split(), [str(n).encode() for n in range(256)])

    def test_every_signal(self) -> None:
        """Those that end a process: both by itself, and by way of us."""
        others = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
        others |= {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
        ending = sorted(signal.valid_signals() - others)
        for number in ending:
            with self.subTest(signal=number, by="itself"):
                self.assertEqual(self.run_to_end("sh", "-c", f"ulimit -c 0; kill -{number:d} $$")[0], 128 + number)
        for number in set(ending) - {signal.SIGKILL}:
            with self.subTest(signal=number, by="us"):
                process = self.start("sh", "-c", "ulimit -c 0; echo up; exec sleep 100")
                self.line(process)
                process.send_signal(number)
                self.assertEqual(process.wait(), 128 + number)

    def test_signals_are_passed_on_once(self) -> None:
        names = ("INT", "QUIT", "HUP", "TERM", "USR1", "USR2", "WINCH", "CONT", "ALRM", "TSTP", "TTIN", "TTOU", "PIPE")
        process = self.start("tally", *names, "CHLD", "URG")
        self.line(process)
        for name in (*names, "CHLD", "URG"):
            process.send_signal(getattr(signal, f"SIG{name}"))
            self.assertEqual(self.line(process), f"got SIG{name}\n".encode())
        process.send_signal(signal.SIGKILL)

    def test_killed(self) -> None:
        for option in ([], ["--pid-namespace"]):
            process = self.start(*option, "sh", "-c", "echo up; exec sleep 100")
            self.line(process)
            process.kill()
            # The command has the other end of the pipe, as long as it lives.
            self.assertEqual(process.stdout.read(), b"")

    def test_a_stop_that_nobody_would_end(self) -> None:
        """No shell is there to continue us: whoever has stopped the command does so to it alone."""
        process = self.start("sh", "-c", "echo up; exec sleep 0.2", start_new_session=True)
        self.line(process)
        (command,) = [entry.pid for entry in descendants(process.pid)]
        os.kill(command, signal.SIGSTOP)
        self.assertTrue(wait_until(lambda: in_state(command, "T"), 5))
        time.sleep(0.1)
        self.assertTrue(in_state(process.pid, "S"))
        os.kill(command, signal.SIGCONT)
        self.assertEqual(process.wait(), 0)

    def test_what_a_command_sends_does_not_come_back(self) -> None:
        script = """
            trap 'echo got it' USR1
            sh -c 'kill -USR1 0; kill -USR1 $PPID' & wait; wait
            kill -USR1 0
            sleep 0.2; exit 3
        """
        for prefix in ([], [client()]):
            with self.subTest(prefix=prefix):
                done = subprocess.run(
                    [*prefix, "sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True, check=False
                )
                self.assertEqual(done.returncode, 3)
                self.assertLessEqual(done.stdout.count(b"got it"), 3)

    def test_an_alarm_that_was_set_before(self) -> None:
        alarm = "import os, signal, sys; signal.alarm(1); os.execvp(sys.argv[1], sys.argv[1:])"
        done = subprocess.run([PYTHON, "-ISc", alarm, client(), "sleep", "100"], check=False)
        self.assertEqual(done.returncode, 128 + signal.SIGALRM)

    def test_a_script_ends_us_by_our_pid(self) -> None:
        script = "$W sleep 100 & sleep 0.2; kill $!; wait $!; echo $?"
        for prefix in ("", client()):
            done = subprocess.run(["sh", "-c", script], env=self.environment(prefix), capture_output=True, check=True)
            self.assertEqual(done.stdout, b"143\n")

    def test_ignored_signals_stay_ignored(self) -> None:
        for prefix in ("", client()):
            script = f"trap '' HUP INT; exec {prefix} sh -c 'kill -HUP $$; kill -INT $$; exit 9'"
            self.assertEqual(subprocess.run(["sh", "-c", script], check=False).returncode, 9)
        script = f"nohup {client()} sh -c 'kill -HUP $PPID; sleep 0.2; exit 9'"
        done = subprocess.run(["sh", "-c", script], capture_output=True, cwd=self.folder, check=False)
        self.assertEqual(done.returncode, 9)

    def test_a_storm(self) -> None:
        """Real-time signals are counted, and none may be lost."""
        count = 300
        program = f"""
import os, signal
numbers = [signal.SIGRTMIN + n for n in range(1, 4)]
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
os.write(1, b"up\\n")
counts = dict.fromkeys(numbers, 0)
while sum(counts.values()) < {3 * count}:
    counts[signal.sigwait(numbers)] += 1
print(*counts.values(), flush=True)
"""
        process = self.start(PYTHON, "-ISc", program.replace("\\\\", "\\"))
        self.assertEqual(self.line(process), b"up\n")
        for _ in range(count):
            for n in range(1, 4):
                process.send_signal(signal.SIGRTMIN + n)
        self.assertEqual(self.line(process), f"{count} {count} {count}\n".encode())
        self.assertEqual(process.wait(), 0)

    def test_words_arrive_as_they_are(self) -> None:
        show = (
            "import os, sys; words = map(os.fsencode, sys.argv[1:]); "
            "sys.stdout.buffer.write(b'|'.join(words) + b'|' + os.environb[b'V'])"
        )
        every = bytes(range(1, 256))
        for word in (b"", b"a\nb", b"\xff\xfe", every, b"-x", b"--", b"--pid-namespace", b"x" * 100_000):
            with self.subTest(word=word[:20]):
                found = self.run_to_end(
                    "--", PYTHON, "-ISc", show, b"", word, word, env={b"PATH": b"/usr/bin:/bin", b"V": word}
                )
                self.assertEqual(found, (0, b"|".join([b"", word, word, word])))

    def test_an_empty_environment(self) -> None:
        found = self.run_to_end(PYTHON, "-ISc", "import os; print(len(os.environb))", env={})
        self.assertIn(found, ((0, b"0\n"), (0, b"1\n")))  # Python itself sets LC_CTYPE

    def test_a_script_without_an_interpreter(self) -> None:
        script = self.folder / "plain"
        script.write_text("echo $0 $1\n")
        script.chmod(0o755)
        self.assertEqual(self.run_to_end("plain", "word"), (0, f"{script} word\n".encode()))

    def test_descriptors_that_were_left_open(self) -> None:
        show = (
            "import os; names = os.listdir('/proc/self/fd'); "
            "print(sorted(int(n) for n in names if os.path.exists(f'/proc/self/fd/{n}')))"
        )
        with open("/dev/null", encoding="ascii") as null:
            os.dup2(null.fileno(), 50)
            self.addCleanup(os.close, 50)
            for prefix in ([], [client()], [client(), "--pid-namespace"]):
                done = subprocess.run(
                    [*prefix, PYTHON, "-ISc", show], pass_fds=[50], capture_output=True, text=True, check=True
                )
                self.assertEqual(done.stdout, "[0, 1, 2, 50]\n")

    def test_closed_standard_descriptors(self) -> None:
        script = "exec $W sh -c 'exec ls /proc/self/fd >/dev/full' <&- >&- 2>&-"
        for prefix in ("", client()):
            done = subprocess.run(["sh", "-c", script], env=self.environment(prefix), check=False)
            self.assertEqual(done.returncode, 2)

    def test_no_core_of_ours(self) -> None:
        script = f"ulimit -c unlimited 2>/dev/null; {client()} sh -c 'ulimit -c 0; kill -SEGV $$'; echo $?; ls"
        done = subprocess.run(["sh", "-c", script], cwd=self.folder, capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "139\neditor\npager\ntally\n")

    def test_a_watched_descriptor(self) -> None:
        read_end, write_end = os.pipe()
        process = self.start(f"--watch={read_end}", "sleep", "0.2", pass_fds=[read_end], stderr=subprocess.PIPE)
        os.close(read_end)
        os.close(write_end)
        _, errors = process.communicate()
        self.assertEqual((process.returncode, errors), (0, b"foreground_client: readable\n"))

    def test_idle(self) -> None:
        process = self.start("sleep", "100")
        time.sleep(0.2)
        before = Path(f"/proc/{process.pid}/status").read_text()
        time.sleep(0.5)
        after = Path(f"/proc/{process.pid}/status").read_text()
        switches = re.compile(r"voluntary_ctxt_switches:\s*(\d+)")
        self.assertEqual(switches.findall(before), switches.findall(after))


if __name__ == "__main__":
    if not (bindir() / "foreground_client").exists():
        sys.exit("no foreground_client: build it")
    harness.main()
