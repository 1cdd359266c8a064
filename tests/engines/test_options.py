"""slirp4netns' options on our command line, and their effects in the namespace."""

import subprocess

import harness_path  # noqa: F401  isort: skip

import harness
from fixtures import THEIRS, LoopbackPeer
from processes import PATIENCE_S
from program import bindir, program_environment

# Words that Podman and RootlessKit search for in --help.
PROBED = (
    "--disable-host-loopback",
    "--mtu",
    "--cidr",
    "--outbound-addr",
    "--enable-ipv6",
    "--netns-type",
    "--userns-path",
    "--target-type",
    "--disable-dns",
    "--macaddress",
    "--no-host-loopback",
    "--create-sandbox",
    "--api-socket",
    "--enable-sandbox",
    "--enable-seccomp",
)


class Options(harness.TestCase):
    def program(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(bindir() / "wireguard4netns"), *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
            env=program_environment(self.scratch, **environment),
        )

    def test_help_has_the_words_that_engines_look_for(self) -> None:
        shown = self.program("--help")
        self.assertEqual(shown.returncode, 0)
        for option in PROBED:
            self.assertIn(option, shown.stdout)

    def test_impossible_requests_are_refused_with_the_reason(self) -> None:
        target = str(self.namespace().pid)
        for arguments, words in (
            (["--cidr", "10.0.2.0"], "IPv4 network"),
            (["--cidr=10.0.2.0/26"], "between 1 and 25"),
            (["--cidr=0.0.0.0/0"], "between 1 and 25"),
            (["--cidr=10.0.2.1/24"], "10.0.2.0/24"),
            (["--cidr=fd00::/64"], "IPv4 network"),
            (["--macaddress", "02:00:00:00:00:01"], "--configure"),
            (["-c", "--macaddress", "2:0:0:0:0:1"], "02:00:00:00:00:01"),
            (["--target-type=bess"], "--target-type"),
            (["--mtu=0"], "--mtu"),
            (["--mtu=65522"], "--mtu"),
            (["--profile", "../x"], "profile"),
            (["--profile", "x", "--config", "y"], "--config"),
        ):
            with self.subTest(arguments=arguments):
                failed = self.program(*arguments, target, "tap0")
                self.assertEqual(failed.returncode, 1)
                self.assertIn(words, failed.stderr)

    def test_a_profile_that_is_missing_is_named_by_its_path(self) -> None:
        failed = self.program(str(self.namespace().pid), "tap0", WIREGUARD4NETNS_PROFILE="blue")
        self.assertEqual(failed.returncode, 1)
        self.assertIn("/.config/wireguard4netns/profiles/blue.conf", failed.stderr)


class Effects(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.peer = LoopbackPeer(self)
        self.peer.config.peers[0].allowed = ["0.0.0.0/0", "::/0"]
        self.target = self.namespace()

    def addresses(self) -> str:
        return self.target.ip("-o address show")

    def test_tap0_is_an_engines_name(self) -> None:
        self.wg4(self.target, self.peer.config, ifname="tap0")
        self.assertIn("10.0.2.100/32", self.addresses())
        routes = self.target.ip("route show")
        for route in ("0.0.0.0/1 ", "128.0.0.0/1 ", "10.0.2.3 "):
            self.assertRegex(routes, rf"{route}dev tap0 .*src 10.77.0.1")
        self.assertNotIn("default", routes)
        routes6 = self.target.ip("-6 route show")
        self.assertIn("8000::/1 dev tap0", routes6)
        self.assertIn("default dev tap0", routes6)  # engines do not add this one
        self.assert_pings(self.target, THEIRS, "10.0.2.100")

    def test_configured_by_us_there_is_a_default_route(self) -> None:
        """Podman's form; images look for one."""
        self.wg4(self.target, self.peer.config, ifname="tap0", options=["-c"])
        for family in ("-4", "-6"):
            routes = self.target.ip(f"{family} route show")
            self.assertRegex(routes, r"(?m)^default dev tap0 .*src")
            self.assertNotIn("/1 ", routes)
        self.assert_pings(self.target, THEIRS)

    def test_another_name_is_a_plain_tunnel(self) -> None:
        self.wg4(self.target, self.peer.config)
        self.assertNotIn("10.0.2.100", self.addresses())
        self.assertIn("default dev wg0", self.target.ip("route show"))

    def test_switched_on_and_off_by_hand(self) -> None:
        wg4 = self.wg4(self.target, self.peer.config, options=["--engine-addresses"])
        self.assertIn("10.0.2.100/32", self.addresses())
        wg4.stop()
        off = ["--no-engine-addresses", "--cidr=10.9.0.0/24"]
        self.wg4(self.target, self.peer.config, ifname="tap0", options=off)
        self.assertNotIn("10.9.0.100", self.addresses())

    def test_called_as_slirp4netns(self) -> None:
        link = self.scratch.folder / "00-bin" / "slirp4netns"
        link.parent.mkdir()
        link.symlink_to(bindir() / "wireguard4netns")
        options = ["-6", "--no-host-loopback", "--target-type=netns", "--create-sandbox"]
        self.wg4(self.target, self.peer.config, program=link, options=options)
        self.assertIn("10.0.2.100/32", self.addresses())
        self.assert_pings(self.target, THEIRS)

    def test_cidr_and_macaddress(self) -> None:
        options = ["-c", "--macaddress=02:00:00:00:00:01", "--cidr", "172.20.0.0/16"]
        self.wg4(self.target, self.peer.config, options=options)
        self.assertIn("172.20.0.100/32", self.addresses())
        self.assertIn("172.20.0.3 dev", self.target.ip("route show"))

    def test_mtu_is_never_more_than_the_tunnels(self) -> None:
        for asked, got in (("65520", "1420"), ("9000", "1420"), ("1300", "1300")):
            wg4 = self.wg4(
                self.target, self.peer.config, ifname="tap0", options=[f"--mtu={asked}"]
            )
            self.assertIn(f"mtu {got} ", self.target.ip("link show tap0"))
            wg4.stop()

    def test_outbound_by_address_and_by_interface(self) -> None:
        for where in ("127.0.0.1", "lo"):
            with self.subTest(where=where):
                options = [f"--outbound-addr={where}", "--outbound-addr6=lo"]
                wg4 = self.wg4(self.target, self.peer.config, options=options)
                self.assert_pings(self.target, THEIRS)
                wg4.stop()

    def test_outbound_elsewhere_fails_by_name(self) -> None:
        for option, words in (
            ("--outbound-addr=192.0.2.77", "192.0.2.77"),
            ("--outbound-addr=nowhere0", "nowhere0"),
            ("--outbound-addr=::1", "--outbound-addr6"),
            ("--outbound-addr6=127.0.0.1", "for IPv4"),
        ):
            with self.subTest(option=option):
                conf = self.scratch.file("x.conf", self.peer.config.for_wg_quick())
                failed = subprocess.run(
                    [
                        str(bindir() / "wireguard4netns"),
                        option,
                        f"--config={conf}",
                        str(self.target.pid),
                    ],
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE_S,
                    check=False,
                    env=program_environment(self.scratch),
                )
                self.assertEqual(failed.returncode, 1)
                self.assertIn(words, failed.stderr)

    def test_a_surviving_namespace_takes_a_second_start(self) -> None:
        for _ in range(3):
            wg4 = self.wg4(self.target, self.peer.config, ifname="tap0")
            self.assert_pings(self.target, THEIRS, count=1)
            wg4.kill()


if __name__ == "__main__":
    harness.main()
