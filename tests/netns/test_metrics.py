"""--metrics: the metrics of a tunnel, and that scraping cannot block the tunnel."""

import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import harness
import prometheus
from fixtures import THEIRS, Pair, pair_on_loopback
from namespaces import HERE
from probes import ping, transfer
from processes import PATIENCE_S, wait_until
from program import Wg4
from prometheus import Family, value

EXAMPLE = HERE.parent.parent / "examples" / "metrics"
CLIENT_PATIENCE_S = 5  # the program's, with a client that is silent
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
FRIENDLY = 'Ann\'s "laptop" \\ Jürgen'


def address_of(wg4: Wg4) -> str:
    """Where the log says that metrics are."""
    found: list[str] = []

    def told() -> bool:
        found[:] = re.findall(r"metrics: (\S+)", wg4.log.read_text())
        return bool(found)

    assert wait_until(told, 5), wg4.log.read_text()
    return found[0]


class MetricsCase(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pair: Pair = pair_on_loopback(self)
        self.other: Wg4 = self.wg4(self.pair.other, self.pair.other_config)

    def ours(self, where: str = "127.0.0.1:0", *options: str) -> Wg4:
        text = self.pair.config.for_wg_quick()
        text = text.replace("[Peer]\n", f"[Peer]\n# friendly_name = {FRIENDLY}\n")
        return self.wg4(
            self.pair.one, text, options=["--sandbox=on", f"--metrics={where}", *options]
        )

    def scrape(self, wg4: Wg4) -> dict[str, Family]:
        families = prometheus.scrape(address_of(wg4))
        self.assertEqual(prometheus.lint(families), [])
        return families


class Metrics(MetricsCase):
    def test_the_metrics_of_a_tunnel(self) -> None:
        wg4 = self.ours()
        peer = {
            "interface": "wg0",
            "public_key": self.pair.config.peers[0].public,
            "allowed_ips": "10.77.0.2/32,fd77::2/128",
            "friendly_name": FRIENDLY,
        }
        before = self.scrape(wg4)
        self.assertEqual(value(before, "wireguard_latest_handshake_seconds", **peer), 0)
        self.assertEqual(value(before, "wireguard4netns_handshakes_total", outcome="completed"), 0)
        self.assertEqual(value(before, "wireguard4netns_peers"), 1)

        began = int(time.time())
        self.assert_pings(self.pair.one, THEIRS)
        transfer(self.pair.one, self.pair.other, THEIRS, 5)
        ping(self.pair.one, "10.77.0.99", 3, wait=1)  # no peer has it
        time.sleep(0.15)
        after = self.scrape(wg4)
        self.assertGreater(value(after, "wireguard_sent_bytes_total", **peer), 5 << 20)
        self.assertGreater(value(after, "wireguard_received_bytes_total", **peer), 5 * 128)
        self.assertGreaterEqual(
            value(after, "wireguard_latest_handshake_seconds", **peer), began - 1
        )
        self.assertEqual(value(after, "wireguard4netns_handshakes_total", outcome="completed"), 1)
        self.assertEqual(value(after, "wireguard4netns_dropped_packets_total", reason="no-route"), 3)
        for direction, least in (("out", 3000), ("in", 5)):  # data, and what acknowledges it
            datagrams = value(after, "wireguard4netns_batch_datagrams_sum", direction=direction)
            self.assertGreater(datagrams, least)
        self.assertEqual(value(after, "wireguard4netns_aead_info"), 1)
        self.assertEqual(value(after, "wireguard4netns_mtu_bytes"), 1420)
        self.assertGreater(value(after, "process_cpu_seconds_total"), 0)
        self.assertGreater(value(after, "process_resident_memory_bytes"), 1 << 20)
        self.assertLess(abs(value(after, "process_start_time_seconds") - began), 60)
        for name, family in before.items():
            if family.type == "counter":
                for key, number in family.samples.items():
                    self.assertGreaterEqual(after[name].samples[key], number, key)
        self.assert_confined(wg4.pid)
        self.assertNotIn("warning", wg4.log.read_text())

    def test_every_thread_counts(self) -> None:
        wg4 = self.ours("127.0.0.1:0", "--threads=3")
        self.assert_pings(self.pair.one, THEIRS)
        transfer(self.pair.one, self.pair.other, THEIRS, 20)
        time.sleep(0.15)
        families = self.scrape(wg4)
        self.assertEqual(value(families, "wireguard4netns_threads"), 3)
        self.assertGreater(value(families, "wireguard_sent_bytes_total"), 20 << 20)

    def test_with_published_ports(self) -> None:
        """Both want some of the same system calls."""
        wg4 = self.ours("127.0.0.1:0", f"--api-socket={self.scratch.folder}/01-api.sock")
        self.scrape(wg4)
        self.assert_pings(self.pair.one, THEIRS)
        wg4.stop()

    def test_names_that_lead_here(self) -> None:
        """A web page whose name leads to 127.0.0.1 (DNS rebinding) gets no metrics."""
        url = address_of(self.ours())
        for host in ("127.0.0.1", "localhost:9586", "[::1]:1"):
            asked = urllib.request.Request(url, headers={"Host": host})
            with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
                self.assertIn(b"wireguard4netns_peers", answer.read())
        for host in ("evil.example", "localhost.evil.example:9586"):
            asked = urllib.request.Request(url, headers={"Host": host})
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(asked, timeout=PATIENCE_S)
            self.assertEqual(refused.exception.code, 421)
            body = refused.exception.read()
            self.assertIn(b"localhost", body)
            self.assertNotIn(b"wireguard", body)

    def test_not_asked_for(self) -> None:
        wg4 = self.wg4(self.pair.one, self.pair.config)
        self.assertNotIn("metrics", wg4.log.read_text())

    def test_other_paths(self) -> None:
        url = address_of(self.ours())
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url.replace("/metrics", "/"), timeout=PATIENCE_S)
        self.assertEqual(refused.exception.code, 404)
        self.assertIn(b"/metrics", refused.exception.read())

    def test_a_warning_if_others_can_reach_it(self) -> None:
        wg4 = self.ours("0.0.0.0:0")
        self.assertRegex(wg4.log.read_text(), r"warning: --metrics 0\.0\.0\.0:0: anybody who reaches")


class Example(MetricsCase):
    """examples/metrics"""

    def rates(self, where: str) -> str:
        done = subprocess.run(
            ["bash", str(EXAMPLE / "rates.sh"), where, "1"],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_rates(self) -> None:
        path = f"unix:{self.scratch.folder}/01-metrics.sock"
        for where in ("127.0.0.1:0", path):
            with self.subTest(where):
                wg4 = self.ours(where)
                self.assert_pings(self.pair.one, THEIRS)
                flood = ("ping", "-n", "-q", "-i", "0.01", "10.77.0.99")  # nobody's
                before = self.pair.one.sent_bytes("wg0")
                with self.pair.one.background(*flood):
                    self.assertTrue(wait_until(lambda: self.pair.one.sent_bytes("wg0") > before, 5))
                    text = self.rates(re.sub("^http://|/metrics$", "", address_of(wg4)))
                self.assertRegex(text, r"(?m)^ +0 byte/s sent to Ann")
                self.assertRegex(text, r"(?m)^ +[1-9][\d.]* packet/s dropped: no-route$")
                wg4.stop()

    def test_dashboard(self) -> None:
        """Each metric that it asks for is one that there is."""
        known = self.scrape(self.ours())
        dashboard = json.loads((EXAMPLE / "dashboard.json").read_text())
        panels = dashboard["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        asked = set()
        for panel in panels:
            for target in panel["targets"]:
                asked |= set(re.findall(r"\b(?:wireguard|process)\w+", target["expr"]))
        asked |= set(re.findall(r"\bwireguard4netns_\w+", (EXAMPLE / "alerts.yml").read_text()))
        asked = {re.sub("_(bucket|sum|count)$", "", name) for name in asked}
        self.assertEqual(asked - set(known), set())
        told = " ".join(panel["title"] for panel in panels)
        for what in ("Received", "Sent", "handshake", "Drops by reason", "batch"):
            self.assertIn(what, told)


class UnixSocket(MetricsCase):
    def setUp(self) -> None:
        super().setUp()
        self.path: Path = self.scratch.folder / "01-metrics.sock"

    def get(self) -> str:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.path))
            client.sendall(REQUEST)
            return client.makefile("rb").read().decode()

    def test_is_private_and_removed(self) -> None:
        wg4 = self.ours(f"unix:{self.path}")
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        head, _, body = self.get().partition("\r\n\r\n")
        self.assertTrue(head.startswith("HTTP/1.1 200 OK\r\n"), head)
        self.assertEqual(prometheus.lint(prometheus.parse(body)), [])
        wg4.stop()
        self.assertFalse(self.path.exists())

    def test_a_dead_one_is_replaced(self) -> None:
        self.ours(f"unix:{self.path}").kill_with_janitor()
        self.assertTrue(self.path.exists())
        self.ours(f"unix:{self.path}")
        self.assertIn("200 OK", self.get())

    def test_a_live_one_is_an_error_that_names_it(self) -> None:
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.path))
            other.listen()
            wg4 = Wg4(
                self.scratch,
                self.pair.one,
                self.pair.config,
                options=[f"--metrics=unix:{self.path}"],
            )
            wg4.start()
            wg4.expect_end(1)
        self.assertIn(
            f"--metrics unix:{self.path} is in use by process {os.getpid()}", wg4.log.read_text()
        )
        self.assertTrue(self.path.exists())

    def test_errors(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for where, why in (
                (f"127.0.0.1:{port}", "Another program listens there"),
                ("192.0.2.1:9586", "The host has no such address"),
                ("9586", "neither ADDRESS:PORT nor unix:PATH"),
                (f"unix:{self.scratch.folder}/no/such/folder", "Make its folder first"),
                (f"unix:{self.scratch.folder}", "is no socket"),
            ):
                with self.subTest(where):
                    wg4 = Wg4(
                        self.scratch, self.pair.one, self.pair.config, options=[f"--metrics={where}"]
                    )
                    wg4.start()
                    wg4.expect_end(1)
                    self.assertIn(why, wg4.log.read_text())


class HostileClients(MetricsCase):
    """None of them stalls the tunnel, or keeps others from their metrics for long."""

    def connect(self, url: str) -> socket.socket:
        host, port = re.fullmatch(r"http://(.+):(\d+)/metrics", url).groups()
        return self.enterContext(socket.create_connection((host, int(port))))

    def test_silent_slow_and_deaf_ones(self) -> None:
        wg4 = self.ours()
        url = address_of(wg4)
        silent = [self.connect(url) for _ in range(40)]
        silent[-1].sendall(b"GET /met")
        for client in silent[-8:-1]:
            client.sendall(REQUEST * 20)  # and never reads
        self.assert_pings(self.pair.one, THEIRS)
        self.assertLess(value(self.scrape(wg4), "process_cpu_seconds_total"), 5)
        silent[-1].settimeout(PATIENCE_S)
        self.assertEqual(silent[-1].recv(1), b"")

    def test_nonsense(self) -> None:
        wg4 = self.ours()
        url = address_of(wg4)
        for data, answer in (
            (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"400"),
            (b"SSH-2.0-x\r\n\r\n", b"400"),
            (b"x" * 9000, b"431"),
            (b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"405"),
            (os.urandom(100), None),
        ):
            client = self.connect(url)
            client.sendall(data)
            if answer:
                self.assertEqual(client.recv(65536)[9:12], answer)
        self.assert_pings(self.pair.one, THEIRS)
        self.scrape(wg4)

    def test_a_crowd_costs_little(self) -> None:
        """As many scrapes as go: pings pass, and none waits for long."""
        wg4 = self.ours()
        url = address_of(wg4)
        done = threading.Event()
        count = [0]

        def ask() -> None:
            while not done.is_set():
                with self.connect_once(url) as client:
                    client.sendall(REQUEST)
                    while client.recv(65536):
                        pass
                    count[0] += 1

        crowd = [threading.Thread(target=ask) for _ in range(4)]
        for one in crowd:
            one.start()
        try:
            result = ping(self.pair.one, THEIRS, 100, interval=0.01)
        finally:
            done.set()
            for one in crowd:
                one.join()
        self.assertEqual(result.received, 100, result.text)
        print(f"{count[0]} scrapes beside 100 pings, the slowest of which took {result.slowest_s} s")
        self.assertGreater(count[0], 0)
        self.assertLess(result.slowest_s, CLIENT_PATIENCE_S)

    def connect_once(self, url: str) -> socket.socket:
        host, port = re.fullmatch(r"http://(.+):(\d+)/metrics", url).groups()
        return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


class Lint(harness.TestCase):
    """The lint itself can fail."""

    def test_what_it_finds(self) -> None:
        for text, what in (
            ("a_total 1", "is in"),  # no TYPE: belongs to no family
            ("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# HELP a x\n", "two places"),
            ("# HELP a x\n# TYPE a gauge\na 1\na 2\n", "twice"),
            ('# HELP a x\n# TYPE a gauge\na{b="\\x"} 1\n', "labels"),
            ("# HELP a x\n# TYPE a gauge\na 1", "no line end"),
        ):
            with self.subTest(text), self.assertRaises((AssertionError, ValueError)) as failed:
                prometheus.parse(text)
            if what != "is in":
                self.assertIn(what, str(failed.exception))
        for text, what in (
            ("# TYPE a gauge\na 1\n", "no HELP"),
            ("# HELP a x\n# TYPE a counter\na 1\n", "_total"),
            ("# HELP a_milliseconds x\n# TYPE a_milliseconds gauge\na_milliseconds 1\n", "base"),
            ("# HELP a_gauge x\n# TYPE a_gauge gauge\na_gauge 1\n", "type is in the name"),
            ('# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n', "+Inf"),
        ):
            with self.subTest(text):
                told = prometheus.lint(prometheus.parse(text))
                self.assertTrue(any(what in each for each in told), told)


if __name__ == "__main__":
    harness.main()
