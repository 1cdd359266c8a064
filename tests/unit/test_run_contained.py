"""examples/container/run_contained: the library of containers in a program of somebody else's.

    test_run_contained.py PROGRAM
"""

from __future__ import annotations

import subprocess
import sys
import unittest

PROGRAM = ""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *command], capture_output=True, text=True, check=False)


class RunContained(unittest.TestCase):
    def setUp(self) -> None:
        tried = run("true")
        if tried.returncode != 0 and "user namespace" in tried.stderr:
            self.skipTest(tried.stderr.splitlines()[0])

    def test_runs_a_command(self) -> None:
        done = run("sh", "-c", "id -u; uname -n; pwd; echo text >file; cat file; ls /home")
        self.assertEqual(done.stdout, "65534\ncontained\n/tmp\ntext\n")
        self.assertNotEqual(done.returncode, 0)

    def test_ends_as_the_command(self) -> None:
        done = run("sh", "-c", "exit 7")
        self.assertEqual((done.returncode, done.stderr), (7, "run_contained: sh exited with status 7\n"))
        done = run("sh", "-c", "kill -9 $$")
        self.assertEqual((done.returncode, done.stderr), (1, "run_contained: sh was killed by signal 9 (Killed)\n"))

    def test_errors_are_sentences(self) -> None:
        done = run("there-is-no-such-program")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(
            done.stderr,
            "run_contained: run there-is-no-such-program: No such file or directory. "
            "No folder in PATH has a program of this name\n",
        )
        self.assertEqual(run().returncode, 1)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
