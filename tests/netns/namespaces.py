"""Namespaces that live as long as their `with` block, and a world of two hosts made of them."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from processes import background, read_line, wait_until

HERE = Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # one that every user can run


class Namespace:
    """A network namespace with loopback up, and the user (and mount) namespace around it.

    It lives by a holder process that ends when our end of its pipe is closed, by us or by our
    death. With a `parent` it is made inside that one: nested (own_user) or as a second network of
    the same user namespace. A mount namespace has a private /run, where `wg` looks for sockets.
    `prefix` is a command that it is made through: as another user, say.
    """

    def __init__(
        self,
        parent: Namespace | None = None,
        *,
        own_user: bool = True,
        mount: bool = False,
        prefix: Sequence[str] = (),
    ) -> None:
        self.parent = parent
        self.prefix = prefix
        self.own_user = own_user
        self.mount = mount or (parent is not None and parent.mount and not own_user)
        self.pid = 0
        self._holder: subprocess.Popen[bytes] | None = None
        self._new_mount = mount

    def __enter__(self) -> Self:
        flags = ["--net"]
        flags += ["--user", "--map-root-user"] if self.own_user else []
        flags += ["--mount"] if self._new_mount else []
        command = [*self.prefix, "unshare", *flags, "sh", "-c", "echo up; exec cat >/dev/null"]
        self._holder = subprocess.Popen(
            self.parent.command(*command) if self.parent else command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        read_line(self._holder)
        self.pid = self._holder.pid
        try:
            self.ip("link set lo up")
            if self._new_mount:
                self.run("mount", "-t", "tmpfs", "tmpfs", "/run")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._holder is not None
        self._holder.communicate()

    @property
    def path(self) -> str:
        return f"/proc/{self.pid}/ns/net"

    @property
    def user_path(self) -> str:
        return f"/proc/{self.pid}/ns/user"

    @property
    def paths(self) -> list[str]:
        """In the order in which they can be entered."""
        return [self.user_path, self.path]

    def command(self, *argv: str) -> list[str]:
        """`argv` as it must be started to run in here."""
        flags = ["-U", "-n"] + (["-m"] if self.mount else [])
        enter = ["nsenter", "-t", str(self.pid), *flags, "--preserve-credentials"]
        return [*self.prefix, *enter, *argv]

    def run(
        self, *argv: str, check: bool = True, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*argv),
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"{' '.join(argv)}: status {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def background(
        self, *argv: str, **options
    ) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
        return background(self.command(*argv), **options)

    def tool(
        self, *argv: str, **options
    ) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
        """A tool of traffic.py."""
        return self.background(PYTHON, str(HERE / "traffic.py"), *argv, **options)

    def ip(self, arguments: str) -> str:
        return self.run("ip", *arguments.split()).stdout

    def links(self) -> list[str]:
        return [link["ifname"] for link in json.loads(self.ip("-j link show"))]

    def sent_bytes(self, ifname: str) -> int:
        (link,) = json.loads(self.ip(f"-j -s link show {ifname}"))
        return link["stats64"]["tx"]["bytes"]

    def snapshot(self) -> str:
        """Everything about this network that a program could leave behind."""
        return self.run(
            "sh",
            "-c",
            "ip -o link; ip -o addr; ip rule; ip -6 rule; ip route show table all; "
            "ip -6 route show table all",
        ).stdout


class World:
    """A "host" and a "far" host with one cable between them, all of it the test user's own.

    Inside `host` our program is uid 0 with every capability *there* and none outside, just as
    podman starts its helpers. The cable carries v4 and v6, MTU 1500.
    """

    HOST, FAR = "192.0.2.1", "192.0.2.2"
    HOST6, FAR6 = "2001:db8::1", "2001:db8::2"

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self.host = Namespace(mount=True)
        self.far = Namespace(self.host, own_user=False, mount=True)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.host)
            stack.enter_context(self.far)
            cable(
                self.host,
                self.far,
                "cable",
                [f"{self.HOST}/24", f"{self.HOST6}/64"],
                [f"{self.FAR}/24", f"{self.FAR6}/64"],
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def cable(
    one: Namespace, other: Namespace, name: str, addresses: Sequence[str], others: Sequence[str]
) -> None:
    """A veth pair, called `name` at both ends. `one` must own both namespaces."""
    one.ip(f"link add {name} type veth peer name {name} netns {other.pid}")
    for end, own in ((one, addresses), (other, others)):
        for address in own:
            end.ip(f"address add {address} dev {name}" + (" nodad" if ":" in address else ""))
        end.ip(f"link set {name} up")
    wait_until(lambda: "LOWER_UP" in one.ip(f"link show {name}"), 2)
