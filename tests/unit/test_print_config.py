"""examples/wg-quick/print_config: the parser as a library, in a program of somebody else's.

    test_print_config.py PROGRAM
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = ""
KEY = "cHVibGlja2V5cHVibGlja2V5cHVibGlja2V5MDAwMDE="
GOOD = f"""[Interface]
Address = 10.0.0.2
Address = fd00::2/64

[Peer]
PublicKey = {KEY}
Endpoint = vpn.example.com:51820
AllowedIPs = 10.0.0.1/8, ::/0
"""
PRINTED = f"""address  10.0.0.2/32
address  fd00::2/64
peer     {KEY}  vpn.example.com:51820  10.0.0.0/8  ::/0
"""


class PrintConfig(unittest.TestCase):
    def run_with(self, text: str) -> subprocess.CompletedProcess[str]:
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([PROGRAM, file.name], capture_output=True, text=True, check=False)
            return subprocess.CompletedProcess(
                done.args, done.returncode, done.stdout, done.stderr.replace(file.name, "FILE")
            )

    def test_what_a_file_says(self) -> None:
        done = self.run_with(GOOD)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout, PRINTED)
        said = "FILE: warning: line 8: AllowedIPs 10.0.0.1/8 has host bits and means 10.0.0.0/8\n"
        self.assertEqual(done.stderr, said)

    def test_a_large_file(self) -> None:
        done = self.run_with(GOOD + "# more\n" * 10000)
        self.assertEqual((done.returncode, done.stdout), (0, PRINTED))

    def test_errors_with_the_number_of_the_line(self) -> None:
        done = self.run_with(GOOD.replace("fd00::2/64", "fd00::2/129"))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"^FILE: line 3: Address: .*\n$")

    def test_no_file(self) -> None:
        done = subprocess.run([PROGRAM, "/nowhere"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "/nowhere: open: No such file or directory\n")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop()
    unittest.main()
