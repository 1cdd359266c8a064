"""The program's rights and costs: no capabilities, little memory. bench/start.py measures the time."""

import resource

import harness
from fixtures import OURS, THEIRS, pair_on_loopback, tunnel_in_world
from probes import transfer
from processes import descendants
from program import SANITIZED, Wg4

WRITTEN_KIB = 6 * 1024
ROUNDED_UP_PAGES = 100  # each library's data, each mapping: a part of a page is a page


class Privileges(harness.TestCase):
    def check_status(self, wg4: Wg4) -> None:
        for field in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(wg4.status_field(field), 16), 0, field)
        self.assertEqual(wg4.status_field("NoNewPrivs"), "1")

    def test_plain_user(self) -> None:
        pair = pair_on_loopback(self)
        self.check_status(self.wg4(pair.one, pair.config))

    def test_root_of_a_user_namespace(self) -> None:
        """Podman gives its helpers every capability of its user namespace: we drop them."""
        tunnel = tunnel_in_world(self)
        self.assert_pings(tunnel.container, THEIRS)
        self.check_status(tunnel.wg4)
        self.assertEqual(int(tunnel.wg4.status_field("CapBnd"), 16), 0, "CapBnd")

    def test_host_program_stays_in_its_network(self) -> None:
        pair = pair_on_loopback(self)
        wg4 = self.wg4(pair.one, pair.config)
        ours = {(entry.pid) for entry in descendants(wg4.pid)} | {wg4.pid}
        inside = pair.one.run(
            "sh",
            "-c",
            "for p in /proc/[0-9]*; do [ $p/ns/net -ef /proc/self/ns/net ] && echo $p; done",
            check=False,
        ).stdout.split()
        self.assertNotIn(f"/proc/{wg4.pid}", inside)
        self.assertLessEqual(len(ours), 4, "the program, and the processes that watch, reload and tidy up")


class Memory(harness.TestCase):
    def test_memory(self) -> None:
        """Memory that the program has written to. The mapped size of libraries depends on the machine."""
        pair = pair_on_loopback(self)
        self.wg4(pair.other, pair.other_config)
        wg4 = self.wg4(pair.one, pair.config, options=["--threads=1"])
        self.assert_pings(pair.one, THEIRS)
        rest = self.written_kib(wg4)
        transfer(pair.one, pair.other, THEIRS, 50)
        transfer(pair.other, pair.one, OURS, 50)
        loaded = self.written_kib(wg4)
        print(f"{rest} KiB at rest, {loaded} KiB after 100 MiB; with libraries {wg4.status_field('VmHWM')}")
        if SANITIZED:
            self.skipTest("a sanitizer's shadow memory counts as the program's")
        self.assertLessEqual(loaded, WRITTEN_KIB + ROUNDED_UP_PAGES * resource.getpagesize() // 1024)

    def written_kib(self, wg4: Wg4) -> int:
        return int(wg4.status_field("RssAnon").split()[0])


if __name__ == "__main__":
    harness.main()
