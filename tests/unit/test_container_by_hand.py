"""wg4netns-container as a program: bubblewrap's words, its messages and its end.

    test_container_by_hand.py PROGRAM
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import unittest

PROGRAM = ""
WHOLE = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp")


def run(*line: str, fds: tuple[int, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *line], capture_output=True, text=True, check=False, pass_fds=fds)


def sh(*options: str, script: str, fds: tuple[int, ...] = ()) -> subprocess.CompletedProcess[str]:
    return run(*WHOLE, *options, "--", "sh", "-c", script, fds=fds)


class Container(unittest.TestCase):
    def setUp(self) -> None:
        tried = sh(script="true")
        if tried.returncode != 0 and "user namespace" in tried.stderr:
            self.skipTest(tried.stderr.splitlines()[0])

    def refused(self, *line: str) -> str:
        done = run(*line)
        self.assertEqual((done.returncode, done.stdout), (125, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        return done.stderr.removeprefix("wg4netns-container: error: ").rstrip("\n")

    def test_the_words_hold(self) -> None:
        done = sh(
            *("--uid", "7", "--gid", "8", "--hostname", "box", "--chdir", "/usr", "--setenv", "A", "b c"),
            *("--perms", "0700", "--dir", "/tmp/d", "--symlink", "d", "/tmp/l", "--unshare-net"),
            script="id -u; id -g; uname -n; pwd; echo $A; stat -c %a /tmp/d; readlink /tmp/l; echo $$",
        )
        self.assertEqual(done.stderr, "")
        lines = done.stdout.splitlines()
        self.assertEqual(lines[:7], ["7", "8", "box", "/usr", "b c", "700", "d"])
        self.assertEqual(lines[-1], "2")

    def test_ids_and_folder_are_as_outside(self) -> None:
        done = sh(script="id -u; id -g; pwd")
        here = os.getcwd() if not os.getcwd().startswith("/tmp") else None
        uid, gid, folder = done.stdout.splitlines()
        self.assertEqual((int(uid), int(gid)), (os.getuid(), os.getgid()))
        self.assertIn(folder, (here, os.environ.get("HOME"), "/"))

    def test_data_from_descriptors(self) -> None:
        reader, writer = os.pipe()
        os.write(writer, b"from a pipe")
        os.close(writer)
        done = sh("--file", str(reader), "/tmp/f", script="cat /tmp/f", fds=(reader,))
        os.close(reader)
        self.assertEqual((done.stdout, done.stderr), ("from a pipe", ""))

    def test_descriptors_are_closed_unless_named(self) -> None:
        reader, writer = os.pipe()
        fds = (reader, writer)
        script = "ls /proc/self/fd | wc -l"
        self.assertEqual(sh(script=script, fds=fds).stdout, "4\n")
        self.assertEqual(sh("--fd", str(writer), script=script, fds=fds).stdout, "5\n")
        os.close(reader)
        os.close(writer)

    def test_its_end_is_the_commands(self) -> None:
        self.assertEqual(sh(script="exit 3").returncode, 3)
        self.assertEqual(sh(script="kill -TERM $$").returncode, 128 + signal.SIGTERM)
        done = run(*WHOLE, "there-is-no-such-program")
        self.assertEqual(done.returncode, 127)
        self.assertIn("No folder in PATH has a program of this name", done.stderr)
        self.assertEqual(run(*WHOLE, "/usr").returncode, 126)

    def test_processes_that_are_left_do_not_stay(self) -> None:
        begin = time.monotonic()
        self.assertEqual(sh(script="sleep 1000 & exit 4").returncode, 4)
        self.assertLess(time.monotonic() - begin, 100)

    def test_signals_reach_the_command(self) -> None:
        script = "trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.1; done"
        with subprocess.Popen([PROGRAM, *WHOLE, "sh", "-c", script], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            self.assertEqual(process.stdout.readline(), "ready\n")
            time.sleep(0.2)  # until it waits for signals; one that comes before ends the whole
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.stdout.read(), "got\n")
        self.assertEqual(process.returncode, 5)

    def test_it_dies_with_the_program(self) -> None:
        reader, writer = os.pipe()
        line = [PROGRAM, *WHOLE, "--fd", str(writer), "sh", "-c", "echo ready; sleep 1000"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, pass_fds=(writer,)) as process:
            os.close(writer)
            assert process.stdout is not None
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.kill()
        self.assertEqual(os.read(reader, 1), b"")  # nobody has it open any more
        os.close(reader)

    def test_status_as_json(self) -> None:
        pipes = [os.pipe(), os.pipe()]
        writers = tuple(writer for _, writer in pipes)
        options = ("--info-fd", str(writers[0]), "--json-status-fd", str(writers[1]))
        done = sh(*options, script="readlink /proc/self/ns/pid; exit 6", fds=writers)
        texts = []
        for reader, writer in pipes:
            os.close(writer)
            with os.fdopen(reader) as file:
                texts.append(file.read())
        self.assertEqual(done.returncode, 6)
        info = json.loads(texts[0])
        first, last = (json.loads(line) for line in texts[1].splitlines())
        self.assertEqual(first, info)
        self.assertEqual(last, {"exit-code": 6})
        self.assertEqual(done.stdout, f"pid:[{info['pid-namespace']}]\n")
        self.assertGreater(info["child-pid"], 1)

    def test_it_waits_for_a_byte(self) -> None:
        reader, writer = os.pipe()
        line = [PROGRAM, *WHOLE, "--block-fd", str(reader), "echo", "runs"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, pass_fds=(reader,)) as process:
            time.sleep(0.2)
            self.assertIsNone(process.poll())
            os.write(writer, b"x")
            assert process.stdout is not None
            self.assertEqual(process.stdout.read(), "runs\n")
        os.close(reader)
        os.close(writer)

    def test_no_sandboxes_inside_if_so_wished(self) -> None:
        script = "unshare -U true 2>/dev/null && echo made"
        self.assertEqual(sh(script=script).stdout, "made\n")
        self.assertEqual(sh("--disable-userns", script=script).stdout, "")
        self.assertEqual(sh("--disable-userns", "--seccomp", "off", script=script).stdout, "")
        self.assertEqual(sh("--seccomp=strict", script=script).stdout, "")

    def test_bad_input_is_one_sentence(self) -> None:
        self.assertIn("/nowhere: No such file or directory", self.refused("--ro-bind", "/nowhere", "/x", "true"))
        self.assertEqual(self.refused(), "there is no command to run. It is what follows the options: ... -- COMMAND")
        self.assertEqual(self.refused("--tmpsf", "/x"), "there is no option --tmpsf. Is it --tmpfs?")
        self.assertIn("/nowhere.bpf: No such file or directory", self.refused("--seccomp", "/nowhere.bpf", "true"))
        self.refused(*WHOLE, "--bind", "/usr", "/usr/../../x", "true")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
