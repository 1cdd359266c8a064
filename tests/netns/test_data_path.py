"""Every way that packets can take through the program: each offload switched off, each cipher, several threads."""

import re
import subprocess

import harness
from fixtures import OURS, OURS6, THEIRS, THEIRS6, pair_on_loopback
from probes import transfer, udp_trains
from processes import PATIENCE_S
from program import bindir, program_environment

OFFLOADS = ("vnet-hdr", "checksum", "tso", "uso", "udp-segment", "udp-gro")


class DataPath(harness.TestCase):
    def check(self, one: list[str], other: list[str]) -> None:
        """Big and small packets of both families, both ways, between programs with these options."""
        pair = pair_on_loopback(self)
        with self.subTest(one=one, other=other):
            far = self.wg4(pair.other, pair.other_config, options=other)
            near = self.wg4(pair.one, pair.config, options=one)
            transfer(pair.one, pair.other, THEIRS, 20)
            transfer(pair.other, pair.one, OURS6, 20)
            sizes, fragments = (4, 100, 1372), 20000
            there = [*(f"{THEIRS}/{size}" for size in sizes), f"{THEIRS6}/{fragments}"]
            back = [*(f"{OURS6}/{size}" for size in sizes), f"{OURS}/1300"]
            udp_trains(pair.one, pair.other, *there)
            udp_trains(pair.other, pair.one, *back)
            near.stop()
            far.stop()

    def test_all_offloads(self) -> None:
        self.check([], [])

    def test_no_offload(self) -> None:
        self.check(["--no-offload=all"], ["--no-offload=all"])

    def test_each_offload_missing_at_one_end(self) -> None:
        for name in OFFLOADS:
            self.check([f"--no-offload={name}"], [])

    def test_each_cipher(self) -> None:
        for name in self.ciphers():
            self.check([f"--cipher={name}"], [])

    def test_threads(self) -> None:
        self.check(["--threads=2"], ["--threads=3"])
        self.check(["--threads=8", "--no-offload=udp-gro"], ["--threads=1"])

    def test_bad_names(self) -> None:
        for option in ("--no-offload=warp", "--cipher=rot13", "--threads=0", "--threads=many"):
            done = self.run_program(option)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(option.partition("=")[2], done.stderr)

    def ciphers(self) -> list[str]:
        """The offloads that the program logs here."""
        names = re.search(r"It has: (.+)", self.run_program("--cipher=none").stderr)
        self.assertIsNotNone(names)
        listed = re.sub(r"[.\s]", "", names[1]).split(",")
        self.assertGreaterEqual(set(listed), {"openssl", "sodium"})
        return listed

    def run_program(self, *options: str) -> subprocess.CompletedProcess[str]:
        pair = pair_on_loopback(self)
        config = self.scratch.file("some.conf", pair.config.for_wg_quick())
        return subprocess.run(
            [bindir() / "wireguard4netns", "--config", config, *options, str(pair.one.pid)],
            env=program_environment(self.scratch),
            text=True,
            capture_output=True,
            timeout=PATIENCE_S,
        )


if __name__ == "__main__":
    harness.main()
