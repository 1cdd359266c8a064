"""Every failure: one sentence with the next step, status 1, nothing left behind, no key shown."""

import base64
import dataclasses
import os
import re
import socket
import subprocess
from collections.abc import Sequence

import harness
from fixtures import pair_on_loopback
from namespaces import Namespace
from processes import assert_only, descendants
from program import bindir, program_environment
from wireguard import Identity

LIMIT_S = 10


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
            timeout=LIMIT_S,
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
            ("fwmark", head + "FwMark = 0x12\n", ["FwMark|mark"]),
            ("obfuscation", head + "Jc = 4\n", ["line 4", "Jc"]),
        ):
            self.check(Failure(name, [self.pid], says, text))
            with self.subTest(f"check: {name}"):
                path = self.scratch.file("check.conf", text)
                if name != "fwmark":  # a good file: only the start is refused
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
            (Failure("endless", ["--config", "/dev/zero", self.pid], ["/dev/zero", "64 MiB"]), {}),
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


class TunDevice(FailureTestCase):
    """/dev/net/tun as a host may have it; a mount namespace plays the host."""

    def setUp(self) -> None:
        super().setUp()
        self.host = self.namespace(mount=True)
        self.target = self.namespace(self.host)
        self.pid = str(self.target.pid)

    def test_missing(self) -> None:
        self.host.run("mount", "-t", "tmpfs", "tmpfs", "/dev/net")
        self.check(
            Failure(
                "missing",
                [self.pid],
                ["/dev/net/tun", "No such file", "mknod|modprobe"],
                where=self.host,
            )
        )

    def test_not_permitted(self) -> None:
        self.host.run(
            "sh",
            "-c",
            "mount --bind /dev/net/tun /dev/net/tun && "
            "mount -o remount,bind,nodev /dev/net/tun",
        )
        self.check(
            Failure(
                "not permitted",
                [self.pid],
                ["/dev/net/tun", "Permission denied", "chmod"],
                where=self.host,
            )
        )

    def test_something_else(self) -> None:
        self.host.run("mount", "--bind", "/dev/null", "/dev/net/tun")
        self.check(Failure("not the device", [self.pid], ["TUN", "ioctl"], where=self.host))


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
