"""Every failure: one sentence with the next step, status 1, nothing left behind, no key shown."""

import base64
import dataclasses
import os
import re
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import harness
from fixtures import pair_on_loopback
from namespaces import Namespace
from processes import PATIENCE_S, assert_only, descendants
from program import Wg4, bindir, program_environment
from wireguard import Identity, wg


@dataclasses.dataclass
class Failure:
    """A start that must fail. `says`: patterns that the sentence must match, ignoring case."""

    name: str
    arguments: Sequence[str]
    says: Sequence[str]
    config: str | None = None  # None: the good one
    where: Namespace | None = None
    keep: Sequence[int] = ()  # descriptors that the program inherits


class FailureTestCase(harness.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pair = pair_on_loopback(self, psk=True)
        self.target = self.pair.one
        self.good = self.pair.config.for_wg_quick()
        self.pid = str(self.target.pid)
        self.secrets = [self.pair.config.private, self.pair.config.peers[0].psk or ""]

    def check(self, failure: Failure, **environment: str) -> None:
        with self.subTest(failure.name):
            before = self.target.snapshot()
            config = self.good if failure.config is None else failure.config
            argv = [
                str(bindir() / "wireguard4netns"),
                "--config",
                str(self.scratch.file("a.conf", config)),
                *failure.arguments,
            ]
            self.check_run(failure, argv, **environment)
            self.assertEqual(self.target.snapshot(), before)

    def check_run(self, failure: Failure, argv: Sequence[str], **environment: str) -> None:
        known = {entry.pid for entry in descendants()}
        done = subprocess.run(
            failure.where.command(*argv) if failure.where else argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            pass_fds=failure.keep,
            check=False,
            env=program_environment(self.scratch, **environment),
        )
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout, "")
        lines = [line for line in done.stderr.splitlines() if "warning:" not in line]
        self.assertEqual(len(lines), 1, f"not one sentence:\n{done.stderr}")
        self.assertRegex(lines[0], r"^wireguard4netns: error: .{20,}")
        for pattern in failure.says:
            self.assertRegex(lines[0], re.compile(pattern, re.IGNORECASE))
        self.assert_no_key(done.stderr)
        assert_only(known)

    def assert_no_key(self, text: str) -> None:
        for secret in self.secrets:
            for spelling in (secret[:20], secret[-20:], base64.b64decode(secret).hex()[:20]):
                self.assertNotIn(spelling, text)


def privileged_port(head: str) -> list[tuple[str, str, list[str]]]:
    """A ListenPort that ordinary users do not get, if there is one on this host."""
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if first < 2:
        return []
    return [("privileged port", head + f"ListenPort = {first - 1}\n", ["line 4", "ListenPort"])]


class Errors(FailureTestCase):
    def test_targets(self) -> None:
        gone = subprocess.run(
            ["sh", "-c", "echo $$"], capture_output=True, text=True, check=True
        ).stdout.strip()
        not_a_netns = self.scratch.file("not-a-netns")
        for failure in (
            Failure("process that ended", [gone], [gone, "process"]),
            Failure("pid 0", ["0"], ["0"]),
            Failure("negative pid", ["--", "-5"], ["-5"]),
            Failure("not a number", ["container"], ["container"]),
            Failure("pid with a tail", [f"{self.pid}x"], [f"{self.pid}x"]),
            Failure("huge pid", ["99999999999999999999"], ["99999999999999999999"]),
            Failure("no target", [], ["PID"]),
            Failure(
                "path that is missing",
                ["--netns-type=path", "/nowhere/ns"],
                ["/nowhere/ns", "No such file"],
            ),
            Failure(
                "file that is no namespace",
                ["--netns-type=path", str(not_a_netns)],
                [str(not_a_netns), "network namespace"],
            ),
            Failure(
                "namespace of another kind",
                ["--netns-type=path", f"/proc/{self.pid}/ns/uts"],
                [f"/proc/{self.pid}/ns/uts", "network namespace"],
            ),
            Failure(
                "user namespace of another kind",
                ["--netns-type=path", f"--userns-path={self.target.path}", self.target.path],
                ["user namespace"],
            ),
            Failure(
                "user namespace missing",
                ["--netns-type=path", "--userns-path=/nowhere/user", self.target.path],
                ["/nowhere/user"],
            ),
            Failure(
                "unknown netns-type", ["--netns-type=name", "x"], ["netns-type", "pid", "path"]
            ),
            Failure(
                "the host's own network",
                ["--netns-type=path", "/proc/self/ns/net"],
                ["not permitted|permission|own"],
            ),
        ):
            self.check(failure)

    def test_interface_names(self) -> None:
        for name in ("sixteen-letters!", "abcdefghijklmnop", "", "a/b", "..", "a b", "wg%d"):
            self.check(Failure(f"name '{name}'", [self.pid, name], ["name"]))
        self.target.ip("link add taken type veth peer name other")
        self.check(Failure("name taken", [self.pid, "taken"], ["taken", "another.* name"]))

    def test_tun_in_use(self) -> None:
        self.wg4(self.pair.other, self.pair.other_config)
        config = self.pair.config.for_wg_quick()
        self.target = self.pair.other
        self.check(
            Failure(
                "interface of a running instance",
                [str(self.pair.other.pid)],
                ["wg0", "busy|in use"],
                config,
            )
        )

    def test_configs(self) -> None:
        private = self.pair.config.private
        head = f"[Interface]\nPrivateKey = {private}\nAddress = 10.0.0.1/24\n"
        for name, text, says in (
            ("unknown key", head + "Fruit = apple\n", ["line 4", "Fruit"]),
            ("key before a section", "Address = 10.0.0.1/24\n", ["line 1"]),
            ("unknown section", head + "[Pear]\n", ["line 4", "Pear"]),
            (
                "cut private key",
                f"[Interface]\nPrivateKey = {private[:-3]}\n",
                ["line 2", "PrivateKey|key"],
            ),
            (
                "private key with a typo",
                f"[Interface]\n\nPrivateKey = {private[:-2]}*=\n",
                ["line 3"],
            ),
            ("bad address", "[Interface]\nAddress = 10.0.0.256/24\n", ["line 2", "10.0.0.256"]),
            ("bad prefix length", "[Interface]\nAddress = 10.0.0.1/33\n", ["line 2", "33"]),
            (
                "peer without PublicKey",
                head + "[Peer]\nAllowedIPs = 10.0.0.2/32\n",
                ["line [45]", "PublicKey"],
            ),
            (
                "trailing comma",
                head + f"[Peer]\nPublicKey = {Identity().public}\nAllowedIPs = 10.0.0.2/32,\n",
                ["line 6", "AllowedIPs"],
            ),
            ("port too big", head + "ListenPort = 70000\n", ["line 4", "70000"]),
            ("obfuscation", head + "S1 = 15\n", ["line 4", "AmneziaWG", "plain WireGuard"]),
            ("another program's", head + "AllowedApps = a\n", ["line 4", "WireSock", "Remove"]),
            ("mistyped key", head + "Adress = 10.0.0.2\n", ["line 4", "did you mean Address"]),
            ("list of DNS servers", head + "DNS = 1.1.1.1;8.8.8.8\n", ["line 4", "commas"]),
            ("no-break space", head + "MTU = 1400\u00a0\n", ["line 4", r"U\+00A0"]),
            (
                "URL as endpoint",
                head + f"[Peer]\nPublicKey = {Identity().public}\nEndpoint = udp://1.2.3.4:5\n",
                ["line 6", "URL"],
            ),
            (
                "IPv6 alone below its MTU",
                "[Interface]\nAddress = fd00::1/64\nMTU = 1000\n",
                ["line 3", "1280"],
            ),
            *privileged_port(head),
        ):
            self.check(Failure(name, [self.pid], says, text))
            with self.subTest(f"check: {name}"):
                path = self.scratch.file("check.conf", text)
                self.check_run(
                    Failure(name, [], says),
                    [str(bindir() / "wireguard4netns"), "check", str(path)],
                )

    def test_config_files(self) -> None:
        program = str(bindir() / "wireguard4netns")
        missing = str(self.scratch.folder / "missing.conf")
        unreadable = str(self.scratch.file("secret.conf", self.good, mode=0o000))
        default = str(self.scratch.folder / ".config/wireguard4netns/default.conf")
        other_default = str(self.scratch.folder / "xdg/wireguard4netns/default.conf")
        for failure, environment in (
            (Failure("missing", ["--config", missing, self.pid], [missing, "No such file"]), {}),
            (Failure("endless", ["--config", "/dev/zero", self.pid], ["/dev/zero", "device"]), {}),
            (
                Failure(
                    "unreadable",
                    ["--config", unreadable, self.pid],
                    [unreadable, "Permission denied"],
                ),
                {},
            ),
            (
                Failure(
                    "folder",
                    ["--config", str(self.scratch.folder), self.pid],
                    [str(self.scratch.folder)],
                ),
                {},
            ),
            (Failure("third argument", [self.pid, "wg0", missing], [missing]), {}),
            (
                Failure("by environment", [self.pid], [missing]),
                {"WIREGUARD4NETNS_CONFIG": missing},
            ),
            (Failure("default", [self.pid], [default]), {}),
            (
                Failure("default by XDG", [self.pid], [other_default]),
                {"XDG_CONFIG_HOME": str(self.scratch.folder / "xdg")},
            ),
        ):
            with self.subTest(failure.name):
                self.check_run(failure, [program, *failure.arguments], **environment)

    def test_network(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
            busy.bind(("0.0.0.0", 0))
            port = busy.getsockname()[1]
            taken = self.good.replace("[Interface]", f"[Interface]\nListenPort = {port}", 1)
            self.check(
                Failure(
                    "busy ListenPort", [self.pid], ["ListenPort|port", str(port), "in use"], taken
                )
            )
        endpoint = self.pair.config.peers[0].endpoint or ""
        unknown = self.good.replace(endpoint, "no-such-host.invalid:51820")
        self.check(
            Failure("unresolvable endpoint", [self.pid], [r"no-such-host\.invalid"], unknown),
            WG_ENDPOINT_RESOLUTION_RETRIES="0",
        )

    def test_descriptors(self) -> None:
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        self.addCleanup(os.close, write_end)
        for failure in (
            Failure("exit-fd closed", ["--exit-fd=77", self.pid], ["exit-fd", "77"]),
            Failure("ready-fd closed", ["--ready-fd=77", self.pid], ["ready-fd", "77"]),
            Failure("exit-fd is no number", ["--exit-fd=x", self.pid], ["exit-fd"]),
            Failure("ready-fd negative", ["--ready-fd=-1", self.pid], ["ready-fd"]),
            Failure(
                "ready-fd read-only",
                [f"--ready-fd={read_end}", self.pid],
                ["ready-fd", str(read_end)],
                keep=[read_end],
            ),
        ):
            self.check(failure)

    def test_options(self) -> None:
        for failure in (
            Failure("unknown option", ["--frobnicate", self.pid], ["--frobnicate"]),
            Failure("mtu 0", ["--mtu=0", self.pid], ["mtu"]),
            Failure("mtu too big", ["--mtu=65536", self.pid], ["mtu"]),
            Failure("log level", ["--log-level=loud", self.pid], ["log-level", "silent", "debug"]),
            Failure("sandbox", ["--sandbox=maybe", self.pid], ["maybe", "{auto,off,on}"]),
            Failure("a number for a name", ["--netns-type=1", self.pid], ["1 not in", "{path,pid}"]),
            Failure("no helper", ["--helper=/nowhere/helper", self.pid], ["/nowhere/helper"]),
            Failure("too many arguments", [self.pid, "wg0", "a.conf", "more"], ["more"]),
        ):
            self.check(failure)

    def test_subcommands(self) -> None:
        program = str(bindir() / "wireguard4netns")
        missing = str(self.scratch.folder / "missing.conf")
        good = str(self.scratch.file("good.conf", self.good))
        for failure in (
            Failure("pubkey of nothing", ["pubkey"], ["key"]),
            Failure("check of a missing file", ["check", missing], [missing]),
            Failure("serve without a TUN", ["serve", "--config", good], ["tun-fd"]),
            Failure(
                "serve on a closed descriptor",
                ["serve", "--tun-fd", "77", "--config", good],
                ["tun-fd", "77"],
            ),
        ):
            with self.subTest(failure.name):
                self.check_run(failure, [program, *failure.arguments])
        with open("/dev/null", "rb") as null, self.subTest("serve on something else"):
            self.check_run(
                Failure("", [], ["descriptor", "TUN"], keep=[null.fileno()]),
                [program, "serve", "--tun-fd", str(null.fileno()), "--config", good],
            )


class Warnings(harness.TestCase):
    """Every command that reads the file warns of settings that cannot work: check, the start, reload, the doctor."""

    def setUp(self) -> None:
        super().setUp()
        self.pair = pair_on_loopback(self)
        self.good = self.pair.config.for_wg_quick()
        self.peer = self.pair.config.peers[0]

    def run_program(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(bindir() / "wireguard4netns"), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=program_environment(self.scratch),
        )

    def warnings(self, text: str) -> list[str]:
        return re.findall(r"warning: \S+\.conf: (.*)", text)

    def assert_warned(self, config: str, *says: str) -> list[str]:
        """By check, which succeeds, and by the start in the same words."""
        path = str(self.scratch.file("check.conf", config))
        checked = self.run_program("check", path)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        found = self.warnings(checked.stderr)
        for pattern in says:
            self.assertRegex("\n".join(found), pattern)
        with Wg4(self.scratch, self.namespace(), config) as started:
            self.assertEqual(self.warnings(started.log.read_text()), found)
        return found

    def test_a_configuration_that_works_has_no_warnings(self) -> None:
        self.assertEqual(self.assert_warned(self.good), [])

    def test_keys(self) -> None:
        own = wg("pubkey", text=self.pair.config.private)
        self.assert_warned(self.good.replace(self.peer.public, own), "PublicKey is our own")
        self.assert_warned(self.good + self.peer.section(), "both are one peer")
        swapped = self.good.replace(self.peer.public, self.pair.config.private)
        (found,) = self.assert_warned(swapped, "PublicKey is our PrivateKey")
        self.assertNotIn(self.pair.config.private[:20], found)

    def test_no_packet_can_pass(self) -> None:
        allowed = f"AllowedIPs = {', '.join(self.peer.allowed)}\n"
        address = f"Address = {', '.join(self.pair.config.addresses)}\n"
        self.assert_warned(self.good.replace(allowed, ""), "no AllowedIPs")
        self.assert_warned(self.good.replace(address, ""), "no Address")
        self.assert_warned(self.good.partition("[Peer]")[0], r"no \[Peer\]")
        self.assert_warned(
            self.good.replace(f"Endpoint = {self.peer.endpoint}\n", ""), "neither side can begin"
        )

    def test_settings_that_an_ordinary_user_may_not_use(self) -> None:
        """A provider's file with a mark works: it is not needed here."""
        (found,) = self.assert_warned(
            self.good.replace("[Interface]", "[Interface]\nFwMark = 0xca69"), "FwMark is left out"
        )
        self.assertRegex(found, "^line 2: ")

    def test_hooks_and_tables(self) -> None:
        hooks = "[Interface]\nPostUp = ip rule add table 52\n"
        self.assert_warned(self.good.replace("[Interface]\n", hooks), "needs no firewall or routing")
        for table in ("off", "52"):
            found = self.assert_warned(
                self.good.replace("[Interface]\n", f"{hooks}Table = {table}\n"),
                f"line 3: Table = {table}: ",
                "routes that they would make are missing",
            )
            self.assertNotIn("needs no", "\n".join(found))

    def test_a_file_that_others_can_read(self) -> None:
        path = self.scratch.file("open.conf", self.good, mode=0o644)
        self.assertIn(f"chmod 600 {path}", self.run_program("check", str(path)).stderr)
        bare = self.scratch.file("bare.conf", "[Interface]\n", mode=0o644)
        self.assertNotIn("chmod", self.run_program("check", str(bare)).stderr)

    def test_doctor_and_reload_say_the_same(self) -> None:
        config = self.good.replace("[Interface]", "[Interface]\nFwMark = 5\nSaveConfig = true")
        path = str(self.scratch.file("both.conf", config))
        found = self.warnings(self.run_program("check", path).stderr)
        self.assertEqual(len(found), 2)
        self.wg4(self.pair.one, self.good)  # so that the doctor tries no handshake
        examined = self.run_program("doctor", path).stdout
        for warning in found:
            self.assertIn(f"note     configuration: {warning}\n", examined)
        reloaded = self.run_program("reload", "wg0", "--config", path)
        self.assertEqual(reloaded.returncode, 0, reloaded.stderr)
        self.assertEqual(self.warnings(reloaded.stderr), found)

    def test_check_shows_search_domains(self) -> None:
        config = self.good.replace("[Interface]", "[Interface]\nDNS = corp.example, lan")
        path = str(self.scratch.file("dns.conf", config))
        self.assertRegex(self.run_program("check", path).stdout, r"dns search: +corp\.example, lan\n")

    def test_a_byte_order_mark_is_passed_over(self) -> None:
        self.wg4(self.pair.one, "\ufeff" + self.good)


class TunDevice(FailureTestCase):
    """/dev/net/tun as a host may have it; a mount namespace plays the host."""

    def setUp(self) -> None:
        super().setUp()
        self.host = self.namespace(mount=True)
        self.target = self.namespace(self.host)
        self.pid = str(self.target.pid)

    def refused(self, name: str, spoil: str, *expected: str) -> None:
        self.host.run("sh", "-c", spoil)
        self.check(Failure(name, [self.pid], ["/dev/net", *expected], where=self.host))

    def test_missing(self) -> None:
        spoil = "mount -t tmpfs tmpfs /dev/net"
        self.refused("missing", spoil, "tun is missing", "No such file", "modprobe")

    def test_its_folder_is_missing(self) -> None:
        spoil = "mount -t tmpfs tmpfs /dev && touch /dev/null && chmod 666 /dev/null"
        self.refused("no folder", spoil, "the folder /dev/net is missing", "modprobe")

    def test_devices_do_not_work_there(self) -> None:
        """Its mode is 0666 already, so the hint must not be to set that."""
        spoil = (
            "mount --bind /dev/net/tun /dev/net/tun && "
            "mount -o remount,bind,nodev /dev/net/tun"
        )
        self.refused("nodev", spoil, "Permission denied", "option nodev")

    def test_another_device(self) -> None:
        spoil = "mount --bind /dev/null /dev/net/tun"
        self.refused("another device", spoil, "its number is 1:3, and TUN is 10:200")

    def test_no_device(self) -> None:
        for make, kind in (
            ("touch /dev/net/tun", "an ordinary file"),
            ("mkfifo /dev/net/tun", "a named pipe"),
            ("mkdir /dev/net/tun", "a folder"),
        ):
            spoil = f"mount -t tmpfs tmpfs /dev/net && {make}"
            self.refused(kind, spoil, f"is no device, but {kind}", "mknod")


class ForbiddenUserNamespaces(harness.TestCase):
    def test_attach_needs_no_new_one(self) -> None:
        """user.max_user_namespaces = 0 forbids new ones; an existing one is served."""
        pair = pair_on_loopback(self)
        host = self.namespace(mount=True)
        target = self.namespace(host)
        host.run("sh", "-c", "echo 0 >/proc/sys/user/max_user_namespaces")
        self.assertNotEqual(host.run("unshare", "-U", "true", check=False).returncode, 0)
        self.wg4(target, pair.config, where=host)
        self.assertIn("wg0", target.links())


if __name__ == "__main__":
    harness.main()
