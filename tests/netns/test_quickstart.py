"""The example that a newcomer runs first: it works, twice, and leaves nothing."""

import os
import re
import subprocess
import time

import harness
from namespaces import HERE
from program import bindir

SCRIPT = HERE.parent.parent / "examples" / "quickstart.sh"


class Quickstart(harness.TestCase):
    def run_once(self) -> str:
        began = time.monotonic()
        done = subprocess.run(
            ["bash", str(SCRIPT), "--no-build", str(bindir())],
            stdin=subprocess.DEVNULL,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )
        seconds = time.monotonic() - began
        self.assertEqual(done.returncode, 0, done.stdout)
        print(f"quickstart: {seconds:.1f} s")
        return done.stdout

    def test_runs_twice(self) -> None:
        for _ in range(2):
            shown = self.run_once()
            self.assertIn("Hello through the tunnel", shown)
            self.assertRegex(shown, re.compile(r"handshake", re.IGNORECASE))
            self.assertRegex(shown, r"[0-9.]+ [MG]bit/s")


if __name__ == "__main__":
    harness.main()
