"""The example of commands in a tunnel: it works, twice, and leaves nothing."""

import subprocess

import harness
from namespaces import HERE
from program import bindir

SCRIPT = HERE.parent.parent / "examples" / "run" / "demo.sh"


class RunExample(harness.TestCase):
    def test_runs_twice(self) -> None:
        for _ in range(2):
            done = subprocess.run(
                ["bash", str(SCRIPT), str(bindir())],
                stdin=subprocess.DEVNULL,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=240,
            )
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("Hello 10.98.0.2, this is page.example.", done.stdout)
            self.assertIn("Hello 10.98.0.2, this is other.example.", done.stdout)
            self.assertRegex(done.stdout, r"bob +up .*\n +\d+  sleep\n")
            self.assertIn("Nothing of it remains", done.stdout)


if __name__ == "__main__":
    harness.main()
