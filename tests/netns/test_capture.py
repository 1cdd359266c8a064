"""Captures, read back by tshark: packets inside and outside of the tunnel, and secrets only on request."""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import harness
from fixtures import OURS, OURS6, THEIRS, THEIRS6, Pair, pair_on_loopback
from probes import ping, transfer
from processes import PATIENCE_S, wait_until
from program import Wg4, bindir, program_environment


def tshark(path: Path, *options: str) -> str:
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), *options],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def fields(path: Path, display: str, *names: str) -> list[list[str]]:
    """One row for each packet that the display filter lets through."""
    wanted = [word for name in names for word in ("-e", name)]
    text = tshark(path, "-Y", display, "-T", "fields", "-E", "occurrence=a", *wanted)
    return [line.split("\t") for line in text.splitlines()]


def spellings(key: str) -> list[bytes]:
    """A key as it could be in a file: bytes, hex of either case, base64 (without its last, shared digits)."""
    raw = base64.b64decode(key)
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), key[:40].encode()]


class CaptureCase(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pair: Pair = pair_on_loopback(self, psk=True)
        self.other: Wg4 = self.wg4(self.pair.other, self.pair.other_config)
        self.path: Path = self.scratch.folder / "01-tunnel.pcapng"

    def ours(self, *options: str, path: str | None = None) -> Wg4:
        return self.wg4(
            self.pair.one,
            self.pair.config,
            options=["--sandbox=on", f"--pcap={path or self.path}", *options],
        )

    def found_secrets(self, public: bool) -> set[str]:
        """Which of our keys are in the file."""
        config, data = self.pair.config, self.path.read_bytes()
        peer = config.peers[0]
        keys = {"private": config.private, "psk": peer.psk or ""}
        keys |= {"public": peer.public} if public else {}
        return {
            name for name, key in keys.items() if any(spelled in data for spelled in spellings(key))
        }


class Capture(CaptureCase):
    def test_inner_and_outer(self) -> None:
        wg4 = self.ours()
        self.assert_pings(self.pair.one, THEIRS, THEIRS6, count=4)
        self.assert_confined(wg4.pid)
        wg4.stop()
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)

        for display, ours, theirs in (("icmp", OURS, THEIRS), ("icmpv6.type in {128, 129}", OURS6, THEIRS6)):
            six = "v6" if ":" in ours else ""
            rows = fields(
                self.path,
                display,
                "frame.interface_name",
                f"ip{six}.src",
                f"ip{six}.dst",
                "frame.packet_flags_direction",
            )
            expected = [["wg0", ours, theirs, "2"], ["wg0", theirs, ours, "1"]] * 4
            self.assertEqual([[*row[:3], str(int(row[3], 0))] for row in rows], expected)

        port = self.pair.config.peers[0].endpoint.rpartition(":")[2]
        rows = fields(self.path, "wg", "wg.type", "frame.interface_name", "udp.port")
        self.assertEqual([row[0] for row in rows[:3]], ["1", "2", "4"])
        self.assertEqual({row[1] for row in rows}, {"udp"})
        self.assertTrue(all(port in row[2].split(",") for row in rows))
        self.assertGreaterEqual(len(rows), 2 + 16)
        malformed = tshark(self.path, "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y",
                           "_ws.malformed or udp.checksum.status == Bad or ip.checksum.status == Bad")
        self.assertEqual(malformed, "")
        self.assertEqual(self.found_secrets(public=True), set())

        stamps = [float(row[0]) for row in fields(self.path, "frame", "frame.time_epoch")]
        self.assertLess(abs(stamps[0] - time.time()), 60)
        self.assertTrue(any(f"{row[0]}"[-3:] != "000" for row in fields(self.path, "frame", "frame.time_epoch")))

    def test_bulk_is_whole(self) -> None:
        """Super-packets are cut, so that each packet is there as it crosses the tunnel."""
        for options in ([], ["--threads=3"], ["--no-offload=all"]):
            with self.subTest(options):
                wg4 = self.ours(*options)
                transfer(self.pair.one, self.pair.other, THEIRS, 3)
                wg4.stop()
                lengths = fields(self.path, f"tcp and ip.src == {OURS}", "ip.len", "tcp.len")
                self.assertLessEqual(max(int(row[0]) for row in lengths), 1420)
                self.assertGreaterEqual(sum(int(row[1]) for row in lengths), 3 << 20)
                self.assertEqual(self.dropped(), 0)

    def dropped(self) -> int:
        """As the last statistics in the file say."""
        text = tshark(self.path, "-q", "-z", "io,stat,0")
        self.assertIn("Interval", text)
        done = subprocess.run(["capinfos", str(self.path)], capture_output=True, text=True)
        drops = re.findall(r"Number of stat entries = (\d+)", done.stdout)
        self.assertTrue(drops and all(int(number) >= 1 for number in drops), done.stdout)
        data = self.path.read_bytes()
        # The last two blocks are the statistics of both sides; isb_ifdrop is their last option.
        return sum(int.from_bytes(data[end - 16 : end - 8], "little") for end in (len(data), len(data) - 52))

    def test_keys(self) -> None:
        wg4 = self.ours("--pcap-keys")
        self.assertRegex(wg4.log.read_text(), r"warning: --pcap-keys: .*keys")
        self.assert_pings(self.pair.one, THEIRS, count=3)
        wg4.stop()
        rows = fields(self.path, "wg and icmp", "wg.type", "ip.dst", "frame.interface_name")
        self.assertEqual(len(rows), 6)
        self.assertEqual({row[2] for row in rows}, {"udp"})
        inner = [row[1].split(",")[-1] for row in rows]
        self.assertEqual(inner, [THEIRS, OURS] * 3)
        self.assertEqual(self.found_secrets(public=False), {"private", "psk"})
        for spelled in spellings(self.pair.config.private):
            self.assertNotIn(spelled, wg4.log.read_bytes())

    def test_keys_of_the_responder(self) -> None:
        """The other one's initiation, our response: the file of the responder decrypts as well."""
        self.other.stop()
        path = self.scratch.folder / "01-other.pcapng"
        other = self.wg4(
            self.pair.other, self.pair.other_config, options=[f"--pcap={path}", "--pcap-keys"]
        )
        self.wg4(self.pair.one, self.pair.config)
        self.assert_pings(self.pair.one, THEIRS, count=3)
        other.stop()
        self.assertEqual(len(fields(path, "wg and icmp", "wg.type")), 6)

    def test_keys_without_a_capture(self) -> None:
        wg4 = Wg4(self.scratch, self.pair.one, self.pair.config, options=["--pcap-keys"])
        wg4.start()
        wg4.expect_end(1)
        self.assertIn("--pcap", wg4.log.read_text())

    def test_datagrams_of_unknown_senders(self) -> None:
        """Of every size that UDP has, IPv6's too, which are longer than IPv4's: the tunnel goes on."""
        wg4 = self.ours()
        self.assert_pings(self.pair.one, THEIRS)
        found = re.search(r"UDP port (\d+)", wg4.log.read_text())
        assert found
        port = int(found[1])
        sizes = {socket.AF_INET: (1, 65507), socket.AF_INET6: (1, 65507, 65508, 65527)}
        for family, lengths in sizes.items():
            with socket.socket(family, socket.SOCK_DGRAM) as stranger:
                stranger.connect(("127.0.0.1" if family == socket.AF_INET else "::1", port))
                for length in lengths:
                    stranger.send(bytes(length))
        self.assert_pings(self.pair.one, THEIRS)
        wg4.stop()
        rows = fields(self.path, "udp and not icmp and not icmpv6 and not wg.type", "ipv6.plen", "udp.length")
        self.assertIn(["65535", "65535"], rows)
        self.assertIn(["", "65515"], rows)

    def test_survives_a_kill(self) -> None:
        """A packet that was captured a moment ago is in the file."""
        wg4 = self.ours()
        self.assert_pings(self.pair.one, THEIRS, count=3)

        def packets() -> int:
            return len(fields(self.path, "icmp", "ip.src"))

        self.assertTrue(wait_until(lambda: packets() == 6, 5))
        wg4.kill()
        self.assertEqual(packets(), 6)

    def test_errors(self) -> None:
        taken = self.scratch.file("taken", "x", 0o400)
        for path, why in (
            (f"{self.scratch.folder}/no/such", "Make its folder first"),
            (str(taken), "Permission denied"),
            (str(self.scratch.folder), "Is a directory"),
            (str(self.link_to("x", os.symlink)), "symbolic link"),
            (str(self.link_to("y", os.link)), "hard link"),
            ("/dev/null", "neither a file nor a FIFO"),
        ):
            with self.subTest(path):
                wg4 = Wg4(self.scratch, self.pair.one, self.pair.config, options=[f"--pcap={path}"])
                wg4.start()
                wg4.expect_end(1)
                self.assertIn(why, wg4.log.read_text())

    def link_to(self, content: str, make: Callable[[Path, Path], None]) -> Path:
        """A link, to a file that no capture may change."""
        target = self.scratch.file("target", content)
        path = self.scratch.folder / f"01-link-{content}"
        make(target, path)
        self.addCleanup(lambda: self.assertEqual(target.read_text(), content))
        return path

    def test_a_process_with_the_file_open_does_not_see_the_capture(self) -> None:
        self.path.write_text("before")
        self.path.chmod(0o644)
        with self.path.open("rb") as reader:
            wg4 = self.ours("--pcap-keys")
            self.assert_pings(self.pair.one, THEIRS)
            wg4.stop()
            self.assertEqual(reader.read(), b"before")
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(len(fields(self.path, "wg and icmp", "wg.type")), 10)

    def test_a_full_disk_ends_the_capture_alone(self) -> None:
        full = ["sh", "-c", 'exec "$@" >/dev/full', "sh"]
        wg4 = self.wg4(self.pair.one, self.pair.config, options=["--sandbox=on", "--pcap=-"], prefix=full)
        self.assert_pings(self.pair.one, THEIRS)
        self.assertTrue(wait_until(lambda: "the capture has ended" in wg4.log.read_text(), 5))
        self.assert_pings(self.pair.one, THEIRS)


class Pipes(CaptureCase):
    def test_fifo(self) -> None:
        """As `wireshark -k -i FIFO` reads it: packets come as they happen."""
        os.mkfifo(self.path, 0o600)
        command = ["tshark", "-n", "-l", "-i", str(self.path), "-Y", "icmp", "-T", "fields", "-e", "ip.dst"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as reader:
            wg4 = self.ours()
            self.assert_pings(self.pair.one, THEIRS, count=3)
            assert reader.stdout
            self.assertEqual([reader.stdout.readline().strip() for _ in range(6)], [THEIRS, OURS] * 3)
            wg4.stop()
            self.assertEqual(reader.stdout.read(), "")

    def test_fifo_for_everybody(self) -> None:
        os.mkfifo(self.path)
        self.path.chmod(0o644)
        wg4 = Wg4(self.scratch, self.pair.one, self.pair.config, options=[f"--pcap={self.path}"])
        wg4.start()
        wg4.expect_end(1)
        self.assertIn("mkfifo -m 600", wg4.log.read_text())

    def test_reader_that_does_not_read(self) -> None:
        """The tunnel goes on, and lost packets are counted."""
        os.mkfifo(self.path, 0o600)
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        wg4 = self.ours()
        transfer(self.pair.one, self.pair.other, THEIRS, 60)
        self.assert_pings(self.pair.one, THEIRS)
        slowest = ping(self.pair.one, THEIRS, 50, interval=0.01)
        self.assertEqual(slowest.received, 50)
        wg4.stop()  # does not wait for the reader, which never reads
        os.close(reader)

    def test_reader_that_goes(self) -> None:
        os.mkfifo(self.path, 0o600)
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        wg4 = self.ours()
        os.close(reader)
        self.assert_pings(self.pair.one, THEIRS)
        self.assertTrue(wait_until(lambda: "the capture has ended" in wg4.log.read_text(), 5))


class AtRunTime(CaptureCase):
    """`wireguard4netns capture`, at a tunnel that was started without a capture."""

    def setUp(self) -> None:
        super().setUp()
        self.tunnel: Wg4 = self.wg4(
            self.pair.one, self.pair.config, options=["--sandbox=on", "--control=ours"]
        )
        self.assert_pings(self.pair.one, THEIRS)

    @contextmanager
    def capture(
        self, path: str, *options: str, stdout: int = subprocess.DEVNULL
    ) -> Iterator[subprocess.Popen[str]]:
        """From the beginning of the capture to its end."""
        process = subprocess.Popen(
            [bindir() / "wireguard4netns", "capture", "ours", path, *options],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            env=program_environment(self.scratch),
        )
        try:
            assert process.stderr
            self.said = ""
            while "has begun" not in self.said and (line := process.stderr.readline()):
                self.said += line
            yield process
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            self.said += process.communicate(timeout=PATIENCE_S)[1]
        finally:
            process.kill()
            process.wait()

    def test_from_now_on_and_twice(self) -> None:
        for count in (3, 2):
            with self.capture(str(self.path)) as process:
                self.assert_confined(self.tunnel.pid)
                self.assert_pings(self.pair.one, THEIRS, count=count)
            self.assertEqual(process.returncode, 0, self.said)
            self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
            rows = fields(self.path, "icmp", "frame.interface_name", "ip.dst")
            self.assertEqual(rows, [["wg0", THEIRS], ["wg0", OURS]] * count)
            self.assertEqual(len(fields(self.path, "wg.type == 4", "udp.port")), 2 * count)
            self.assertEqual(self.found_secrets(public=True), set())
            self.assertEqual(tshark(self.path, "-Y", "_ws.malformed"), "")
            self.assert_pings(self.pair.one, THEIRS)
        log = self.tunnel.log.read_text()
        self.assertEqual(log.count("a capture has begun"), 2)
        self.assertIn("8 packets, 0 of them lost", log)

    def test_beside_the_one_from_the_start(self) -> None:
        self.tunnel.stop()
        whole = self.scratch.folder / "02-whole.pcapng"
        options = ["--sandbox=on", "--control=ours", f"--pcap={whole}", "--threads=2"]
        self.tunnel = self.wg4(self.pair.one, self.pair.config, options=options)
        self.assert_pings(self.pair.one, THEIRS, count=1)
        with self.capture(str(self.path)):
            transfer(self.pair.one, self.pair.other, THEIRS, 1)  # inside and outside, there is room for it
        self.tunnel.stop()
        self.assertEqual(len(fields(whole, "icmp", "ip.dst")), 2)
        self.assertEqual(len(fields(self.path, "icmp", "ip.dst")), 0)
        for path in (whole, self.path):
            lengths = fields(path, f"tcp and ip.src == {OURS}", "tcp.len")
            self.assertGreaterEqual(sum(int(row[0]) for row in lengths), 1 << 20)

    def test_keys(self) -> None:
        # A session that is older than the capture would stay closed.
        self.tunnel.stop()
        self.tunnel = self.wg4(
            self.pair.one, self.pair.config, options=["--sandbox=on", "--control=ours"]
        )
        with self.capture(str(self.path), "--keys") as process:
            self.assertRegex(self.said, r"warning: --keys: .*keys")
            self.assert_pings(self.pair.one, THEIRS, count=3)
        self.assertEqual(process.returncode, 0, self.said)
        self.assertIn("with the private key", self.tunnel.log.read_text())
        self.assertEqual(len(fields(self.path, "wg and icmp", "wg.type")), 6)
        self.assertEqual(self.found_secrets(public=False), {"private", "psk"})
        with self.capture(str(self.path)):
            self.assert_pings(self.pair.one, THEIRS)
        self.assertEqual(self.found_secrets(public=True), set())

    def test_live(self) -> None:
        with self.capture("-", stdout=subprocess.PIPE) as process:
            options = ["-Y", "icmp", "-T", "fields", "-e", "ip.dst"]
            with subprocess.Popen(
                ["tshark", "-n", "-l", "-i", "-", *options],
                stdin=process.stdout,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            ) as reader:
                self.assert_pings(self.pair.one, THEIRS, count=3)
                assert reader.stdout
                seen = [reader.stdout.readline().strip() for _ in range(6)]
                self.assertEqual(seen, [THEIRS, OURS] * 3)
                process.send_signal(signal.SIGINT)
                self.assertEqual(reader.stdout.read(), "")
            process.stdout = None

    def test_a_reader_that_does_not_read_blocks_nothing(self) -> None:
        with self.capture("-", stdout=subprocess.PIPE) as process:
            transfer(self.pair.one, self.pair.other, THEIRS, 60)
            pings = ping(self.pair.one, THEIRS, 50, interval=0.01)
            self.assertEqual(pings.received, 50)
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE_S)  # nobody reads what it has left
            assert process.stdout
            process.stdout.close()
            process.stdout = None
        ended = r"a capture has ended: \d+ packets, [1-9]\d* of them lost"
        self.assertTrue(wait_until(lambda: re.search(ended, self.tunnel.log.read_text()) is not None, 5))
        self.assert_pings(self.pair.one, THEIRS)

    def test_reader_that_is_killed(self) -> None:
        for _ in range(6):  # more than there can be at a time
            with self.capture(str(self.path)) as process:
                self.assertIn("has begun", self.said)
                process.kill()
        self.assert_pings(self.pair.one, THEIRS)

    def test_the_tunnel_ends(self) -> None:
        with self.capture(str(self.path)) as process:
            self.assert_pings(self.pair.one, THEIRS, count=3)
            self.tunnel.stop()
            self.assertEqual(process.wait(PATIENCE_S), 0)
        self.assertIn("has ended", self.said)
        self.assertEqual(len(fields(self.path, "icmp", "ip.dst")), 6)
        self.assertIn("Number of stat entries = 1", subprocess.getoutput(f"capinfos {self.path}"))

    def test_errors(self) -> None:
        for arguments, why in (
            (["nobody", str(self.path)], "There are: ours"),
            (["ours", f"{self.scratch.folder}/no/such"], "Make its folder first"),
            (["ours", "/dev/full"], "neither a file nor a FIFO"),
            (["ours", "-"], "No space left"),
        ):
            with self.subTest(why), open("/dev/full", "wb") as full:
                done = subprocess.run(
                    [bindir() / "wireguard4netns", "capture", *arguments],
                    stdout=full,
                    stderr=subprocess.PIPE,
                    text=True,
                    timeout=PATIENCE_S,
                    check=False,
                    env=program_environment(self.scratch),
                )
                self.assertEqual(done.returncode, 1)
                self.assertIn(why, done.stderr)
        with self.capture("-"), self.capture("-"), self.capture("-"), self.capture("-"):
            with self.capture("-") as fifth:
                self.assertEqual(fifth.wait(PATIENCE_S), 1)
                self.assertIn("As many captures", self.said)


if __name__ == "__main__":
    harness.main()
