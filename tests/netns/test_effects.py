"""Effects that an attacker's code in one of our processes must not have, one per row.

Each row is tried in each process of a tunnel that does all that a tunnel can do, by system calls
that the process is made to execute (injection.py), and judged by what happens outside. Tried in a
process that is not confined each row reaches its effect: so the attempt is a real one.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import errno
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import harness
from control_case import Client
from harness import SKIPPED, USER
from injection import SUPPORTED, Injection, Killed
from namespaces import PYTHON
from processes import PATIENCE_S, descendants, wait_until
from program import SANITIZED, Wg4, bindir, program_environment
from test_root import AS_USER, RootTestCase
from wireguard import Identity, end_to_end, free_udp_port

ROLES = {
    "tunnel": "wireguard4netns",
    "agent": "wg4netns-helper",
    "forwarder": "wg4netns-ports",
    "resolver": "wg4netns-names",
    "reloader": "wg4netns-reload",
    "watcher": "wg4netns-watch",
    "janitor": "wg4netns-tidy",
}
SECRET = b"a user's secret"
AT_FDCWD = -100
MSG_FASTOPEN, IPPROTO_MPTCP = 0x20000000, 262
QUIETLY = socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT
STREAM = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def soon(condition: Callable[[], bool], seconds: float) -> bool:
    """Where nothing should come, patience would be time lost."""
    for _ in range(int(seconds / 0.01)):
        if condition():
            return True
        time.sleep(0.01)
    return condition()


class Stage:
    """A user's world: files, a process, a service, and the control socket of another tunnel."""

    def __init__(self, folder: Path, config: Path, patience: float = 0.05) -> None:
        self.folder, self.config, self.patience = folder, config, patience
        self.secret = folder / "secret"
        self.victim = folder / "victim"
        self.other = folder / "wireguard" / "other.sock"
        self.other.parent.mkdir(mode=0o700, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None
        self.restore()
        self.service = socket.create_server(("127.0.0.1", 0))
        self.control = socket.socket(socket.AF_UNIX)
        self.control.bind(str(self.other))
        self.control.listen()
        for each in (self.service, self.control):
            each.setblocking(False)

    def restore(self) -> None:
        """As it was before an attempt that has reached its effect."""
        for path, content in ((self.secret, SECRET), (self.victim, b"whole")):
            path.unlink(missing_ok=True)
            path.write_bytes(content)
            path.chmod(0o644)
            shutil.chown(path, USER, USER)
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen([*AS_USER, "sleep", "1000"])

    @property
    def tunnels(self) -> Path:
        """The registry, with the tunnel's own entry."""
        return self.folder / "wireguard4netns" / "tunnels"

    def close(self) -> None:
        self.service.close()
        self.control.close()
        self.other.unlink(missing_ok=True)
        self.secret.unlink(missing_ok=True)
        self.victim.unlink(missing_ok=True)
        self.process.kill()
        self.process.wait()

    @property
    def address(self) -> bytes:
        """struct sockaddr_in of the service."""
        port = self.service.getsockname()[1]
        return struct.pack("=HH4s8x", socket.AF_INET, socket.htons(port), b"\x7f\0\0\1")

    @staticmethod
    def connected(listener: socket.socket) -> bool:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def dialed(self) -> bool:
        return soon(lambda: self.connected(self.service), self.patience)

    def other_reached(self) -> bool:
        return soon(lambda: self.connected(self.control), self.patience)

    def file_is_whole(self) -> bool:
        try:
            return (self.victim.read_bytes(), self.victim.stat().st_mode & 0o777) == (
                b"whole",
                0o644,
            )
        except FileNotFoundError:
            return False


def text(path: Path | str) -> bytes:
    return str(path).encode() + b"\0"


def refusal(result: int) -> str:
    return errno.errorcode.get(-result, str(result))


# The attempts. Each is true if it has reached its effect.


def connect(held: Injection, stage: Stage, kind: int = STREAM, protocol: int = 0) -> bool:
    fd = held.call("socket", socket.AF_INET, kind, protocol)
    held.call("connect", fd, stage.address, 16)
    return stage.dialed()


def connect_by_mptcp(held: Injection, stage: Stage) -> bool:
    return connect(held, stage, STREAM, IPPROTO_MPTCP)


def connect_by_sendto(held: Injection, stage: Stage) -> bool:
    fd = held.call("socket", socket.AF_INET, STREAM, 0)
    held.call("sendto", fd, b"x", 1, MSG_FASTOPEN | QUIETLY, stage.address, 16)
    return stage.dialed()


def message_to(held: Injection, address: bytes) -> int:
    """Where a struct msghdr (and mmsghdr) with one byte for `address` is put."""
    name = held.write(256, address)
    piece = held.write(384, struct.pack("=QQ", held.write(512, b"x"), 1))
    header = struct.pack("=QIxxxxQQQQixxxxI", name, len(address), piece, 1, 0, 0, 0, 0)
    return held.write(0, header)


def connect_by_sendmsg(held: Injection, stage: Stage) -> bool:
    fd = held.call("socket", socket.AF_INET, STREAM, 0)
    held.call("sendmsg", fd, message_to(held, stage.address), MSG_FASTOPEN | QUIETLY)
    return stage.dialed()


def connect_by_sendmmsg(held: Injection, stage: Stage) -> bool:
    fd = held.call("socket", socket.AF_INET, STREAM, 0)
    held.call("sendmmsg", fd, message_to(held, stage.address), 1, MSG_FASTOPEN | QUIETLY)
    return stage.dialed()


def connect_by_moved_number(held: Injection, stage: Stage) -> bool:
    """A number that the process itself may connect, with another socket behind it."""
    number = unconnected_datagram_socket(held.pid)
    if number is None:
        return False
    fd = held.call("socket", socket.AF_INET, STREAM, 0)
    held.call("dup3", fd, number, 0)
    held.call("connect", number, stage.address, 16)
    return stage.dialed()


def connect_by_reborn_number(held: Injection, stage: Stage) -> bool:
    """The same, without dup3(2): the lowest free number is the next one."""
    number = unconnected_datagram_socket(held.pid)
    if number is None:
        return False
    held.call("close", number)
    held.call("socket", socket.AF_INET, STREAM, 0)
    held.call("connect", number, stage.address, 16)
    return stage.dialed()


def connect_by_listener(held: Injection, stage: Stage) -> bool:
    """A socket that listens can be made to listen no more, and then to connect."""
    number = listening_socket(held.pid)
    if number is None:
        return False
    held.call("shutdown", number, socket.SHUT_RDWR)
    held.call("sendmsg", number, message_to(held, stage.address), MSG_FASTOPEN | QUIETLY)
    return stage.dialed()


def connect_by_accepted(held: Injection, stage: Stage) -> bool:
    """A connection that was accepted can be another one, after an end without an address."""
    nowhere = struct.pack("=H14x", socket.AF_UNSPEC)
    for number, each in sockets_of(held.pid):
        with each:
            if (each.family, each.type) != (socket.AF_INET, socket.SOCK_STREAM):
                continue
            if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                continue
        held.call("connect", number, nowhere, 16)
        held.call("connect", number, stage.address, 16)
    return stage.dialed()


def listen(held: Injection, _: Stage) -> bool:
    fd = held.call("socket", socket.AF_INET, STREAM, 0)
    anywhere = struct.pack("=HH4s8x", socket.AF_INET, 0, b"\x7f\0\0\1")
    return held.call("bind", fd, anywhere, 16) == 0 and held.call("listen", fd, 1) == 0


def raw_socket(held: Injection, _: Stage) -> bool:
    return held.call("socket", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) >= 0


def packet_socket(held: Injection, _: Stage) -> bool:
    return held.call("socket", socket.AF_PACKET, socket.SOCK_DGRAM, 0) >= 0


def netlink_socket(held: Injection, _: Stage) -> bool:
    return held.call("socket", socket.AF_NETLINK, socket.SOCK_RAW, 0) >= 0


def ping_socket(held: Injection, _: Stage) -> bool:
    return held.call("socket", socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) >= 0


def read(held: Injection, path: Path, wanted: bytes) -> bool:
    fd = held.call("openat", AT_FDCWD, text(path), os.O_RDONLY)
    found = bytearray(64)
    return held.call("read", fd, found, 64) > 0 and bytes(found).startswith(wanted)


def read_a_file(held: Injection, stage: Stage) -> bool:
    return read(held, stage.secret, SECRET)


def read_the_configuration(held: Injection, stage: Stage) -> bool:
    return read(held, stage.config, b"[Interface]")


def list_a_folder(held: Injection, stage: Stage) -> bool:
    return held.call("openat", AT_FDCWD, text(stage.folder), os.O_RDONLY | os.O_DIRECTORY) >= 0


def write_a_file(held: Injection, stage: Stage) -> bool:
    fd = held.call("openat", AT_FDCWD, text(stage.victim), os.O_WRONLY)
    held.call("write", fd, b"taken", 5)
    return not stage.file_is_whole()


def truncate_a_file(held: Injection, stage: Stage) -> bool:
    held.call("truncate", text(stage.victim), 0)
    return not stage.file_is_whole()


def make_a_file(held: Injection, stage: Stage) -> bool:
    made = stage.folder / "made"
    held.call("openat", AT_FDCWD, text(made), os.O_WRONLY | os.O_CREAT, 0o644)
    reached = made.exists()
    made.unlink(missing_ok=True)
    return reached


def change_a_mode(held: Injection, stage: Stage) -> bool:
    held.call("chmod", text(stage.victim), 0o666)
    return not stage.file_is_whole()


def rename_a_file(held: Injection, stage: Stage) -> bool:
    held.call("rename", text(stage.victim), text(stage.secret))
    return not stage.file_is_whole()


def delete_a_file(held: Injection, stage: Stage) -> bool:
    held.call("unlinkat", AT_FDCWD, text(stage.victim), 0)
    return not stage.file_is_whole()


def delete_in_a_folder(held: Injection, stage: Stage) -> bool:
    """By the descriptors of folders that it has."""
    folders = [fd for fd in descriptors(held.pid) if os.path.isdir(f"/proc/{held.pid}/fd/{fd}")]
    for fd in folders or [AT_FDCWD]:
        name = stage.victim if fd == AT_FDCWD else stage.victim.name
        held.call("unlinkat", fd, text(name), 0)
    return not stage.file_is_whole()


def change_its_entry(held: Injection, stage: Stage) -> bool:
    """Which file of the user's a reload is to read for it."""
    if not stage.tunnels.is_dir():
        stage.tunnels.mkdir(parents=True)
        (stage.tunnels / "entry").write_bytes(b"config=/its/own\n\n")
    (entry,) = stage.tunnels.iterdir()
    before = entry.read_bytes()
    fd = held.call("openat", AT_FDCWD, text(entry), os.O_WRONLY)
    held.call("write", fd, b"config=/others", 14)
    reached = entry.read_bytes() != before
    held.call("rename", text(stage.victim), text(entry))
    held.call("openat", AT_FDCWD, text(stage.tunnels / "made"), os.O_WRONLY | os.O_CREAT, 0o600)
    return reached or entry.read_bytes() != before or (stage.tunnels / "made").exists()


def dies(stage: Stage) -> bool:
    return soon(lambda: stage.process.poll() is not None, stage.patience)


def kill(held: Injection, stage: Stage) -> bool:
    held.call("kill", stage.process.pid, signal.SIGKILL)
    return dies(stage)


def kill_a_thread(held: Injection, stage: Stage) -> bool:
    held.call("tgkill", stage.process.pid, stage.process.pid, signal.SIGKILL)
    return dies(stage)


def kill_by_descriptor(held: Injection, stage: Stage) -> bool:
    fd = held.call("pidfd_open", stage.process.pid, 0)
    held.call("pidfd_send_signal", fd, signal.SIGKILL, 0, 0)
    return dies(stage)


def trace(held: Injection, stage: Stage) -> bool:
    seize = 0x4206
    return held.call("ptrace", seize, stage.process.pid, 0, 0) == 0


def read_memory(held: Injection, stage: Stage) -> bool:
    place = int(Path(f"/proc/{stage.process.pid}/maps").read_text().split("-")[0], 16)
    here = held.write(0, struct.pack("=QQ", held.room() + 512, 8))
    there = held.write(64, struct.pack("=QQ", place, 8))
    return held.call("process_vm_readv", stage.process.pid, here, 1, there, 1, 0) == 8


def take_a_descriptor(held: Injection, stage: Stage) -> bool:
    fd = held.call("pidfd_open", stage.process.pid, 0)
    return held.call("pidfd_getfd", fd, 0, 0) >= 0


def other_control_socket(held: Injection, stage: Stage) -> bool:
    address = struct.pack("=H", socket.AF_UNIX) + text(stage.other)
    fd = held.call("socket", socket.AF_UNIX, STREAM, 0)
    held.call("connect", fd, address, len(address))
    return stage.other_reached()


def execute(held: Injection, _: Stage) -> bool:
    return held.call("execve", text("/bin/true"), 0, 0) == 0


def execute_by_descriptor(held: Injection, _: Stage) -> bool:
    return held.call("execveat", AT_FDCWD, text("/bin/true"), 0, 0, 0) == 0


def begin_a_process(held: Injection, _: Stage) -> bool:
    child = held.call("clone", signal.SIGCHLD, 0, 0, 0, 0)
    if child > 0:
        os.kill(child, signal.SIGKILL)
    return child > 0


def user_namespace(held: Injection, _: Stage) -> bool:
    return held.call("unshare", CLONE_NEWUSER) == 0


def network_namespace(held: Injection, _: Stage) -> bool:
    return held.call("unshare", CLONE_NEWUSER | CLONE_NEWNET) == 0


def open_the_tun_device(held: Injection, _: Stage) -> bool:
    return held.call("openat", AT_FDCWD, text("/dev/net/tun"), os.O_RDWR) >= 0


def own_code(held: Injection, _: Stage) -> bool:
    """Memory that can be written and run."""
    everything, private_anonymous = 7, 0x22
    return held.call("mmap", 0, 4096, everything, private_anonymous, -1, 0) > 0


def io_uring(held: Injection, _: Stage) -> bool:
    """A way past each filter of system calls."""
    return held.call("io_uring_setup", 1, bytearray(120)) >= 0


@dataclasses.dataclass(frozen=True)
class Row:
    effect: str
    attempt: Callable[[Injection, Stage], bool]
    # Whose work it is; and where one confined process is no measure for what another may do.
    may: tuple[str, ...] = ()
    # Begins with what only our processes have, or the host may forbid it to everybody: no proof
    # elsewhere.
    only_of_ours: bool = False


# The reloader starts programs, which read files, look up names and join namespaces; it is told
# nothing but to do so. The agent connects, within the namespace that it is in.
DIALS = ("agent", "resolver", "reloader")
ROWS = [
    Row("a TCP connection", connect, may=DIALS),
    Row("a TCP connection by Multipath TCP", connect_by_mptcp),
    Row("a TCP connection by sendto", connect_by_sendto),
    Row("a TCP connection by sendmsg", connect_by_sendmsg),
    Row("a TCP connection by sendmmsg", connect_by_sendmmsg),
    Row("a TCP connection by a number moved", connect_by_moved_number, DIALS, True),
    Row("a TCP connection by a number used again", connect_by_reborn_number, DIALS, True),
    Row("a TCP connection by a socket that listened", connect_by_listener, (), True),
    Row("a TCP connection by one that was accepted", connect_by_accepted, (), True),
    Row("a port of the host", listen, may=("forwarder", "resolver", "reloader")),
    Row("a raw socket", raw_socket),
    Row("a packet socket", packet_socket),
    Row("a netlink socket", netlink_socket, may=("resolver", "reloader")),
    Row("a ping socket", ping_socket, (), True),
    Row("a file of the user read", read_a_file, may=("reloader",)),
    Row("the configuration read", read_the_configuration, may=("reloader",)),
    Row("a folder of the user listed", list_a_folder, may=("reloader",)),
    Row("a file written", write_a_file),
    Row("a file truncated", truncate_a_file),
    Row("a file made", make_a_file),
    Row("a file's mode changed", change_a_mode),
    Row("a file renamed", rename_a_file),
    Row("a file deleted", delete_a_file),
    Row("a file deleted by its folder's descriptor", delete_in_a_folder, ("janitor",)),
    Row("its entry in the registry changed", change_its_entry),
    Row("a process killed", kill),
    Row("a process killed by its thread", kill_a_thread),
    Row("a process killed by a descriptor", kill_by_descriptor),
    Row("a process traced", trace),
    Row("a process' memory read", read_memory),
    Row("a process' descriptor taken", take_a_descriptor),
    Row("another tunnel's control socket", other_control_socket, may=("reloader",)),
    Row("a program run", execute, may=("reloader",)),
    Row("a program run by execveat", execute_by_descriptor, may=("reloader",)),
    Row("a process begun", begin_a_process, may=("reloader",)),
    Row("a user namespace", user_namespace),
    Row("a network namespace", network_namespace),
    Row("the TUN device", open_the_tun_device),
    Row("memory for code", own_code),
    Row("io_uring", io_uring),
]


def descriptors(pid: int) -> list[int]:
    return sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd"))


def sockets_of(pid: int) -> list[tuple[int, socket.socket]]:
    """Each socket of the process, by its number there, to be looked at from here."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    found = []
    for number in descriptors(pid):
        with contextlib.suppress(OSError):
            fd = libc.syscall(438, pidfd, number, 0)  # pidfd_getfd
            if fd >= 0 and os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:"):
                found.append((number, socket.socket(fileno=fd)))
            elif fd >= 0:
                os.close(fd)
    os.close(pidfd)
    return found


def free_tcp_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def unconnected_datagram_socket(pid: int) -> int | None:
    """The number of an Internet one that is not bound either."""
    for number, each in sockets_of(pid):
        with each:
            kind = (each.family, each.type)
            if kind == (socket.AF_INET, socket.SOCK_DGRAM) and each.getsockname()[1] == 0:
                return number
    return None


def listening_socket(pid: int) -> int | None:
    for number, each in sockets_of(pid):
        with each:
            listens = each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if each.family == socket.AF_INET and listens:
                return number
    return None


class UsersTunnel(RootTestCase):
    """Of an ordinary user, with everything that makes one of our processes."""

    def setUp(self) -> None:
        super().setUp()
        self.target = self.namespace(prefix=AS_USER)
        self.stage: Stage | None = None

    def start(self) -> Wg4:
        config = end_to_end(Identity(), Identity(), 1, endpoint=f"localhost:{free_udp_port()}")
        self.metrics = free_tcp_port()
        wg4 = Wg4(
            self.scratch,
            self.target,
            config,
            prefix=AS_USER,
            options=[
                f"--api-socket={self.scratch.folder}/api.sock",
                f"--publish=127.0.0.1:{free_udp_port()}:80",
                f"--metrics=127.0.0.1:{self.metrics}",
                "--control=effects",
            ],
        )
        self.stage = Stage(self.scratch.folder, wg4.config_path)
        self.give_to_user()
        os.chown(self.stage.other.parent, *self.owner())
        os.chown(self.stage.other, *self.owner())
        try:
            wg4.__enter__()
        except BaseException:
            self.stage.close()
            raise
        # A client that connects for metrics, and sends no request.
        self.enterContext(socket.create_connection(("127.0.0.1", self.metrics)))
        return wg4

    def owner(self) -> tuple[int, int]:
        status = self.stage.config.stat()
        return status.st_uid, status.st_gid

    def end(self, wg4: Wg4) -> None:
        wg4.kill()
        self.as_user("show", "effects")  # which removes its entry, where an attempt was the janitor's end
        (self.scratch.folder / "api.sock").unlink(missing_ok=True)
        self.stage.close()

    def as_user(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [*AS_USER, bindir() / "wireguard4netns", *words]
        environment = program_environment(self.scratch)
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    def processes(self, wg4: Wg4) -> dict[str, int]:
        pids = {entry.name: entry.pid for entry in descendants(wg4.pid)}
        pids["wireguard4netns"] = wg4.pid
        self.assertEqual(set(pids), set(ROLES.values()), "each role is a process, and no other is")
        return {role: pids[name] for role, name in ROLES.items()}


class Effects(UsersTunnel):
    def outcome(self, row: Row, held: Injection) -> str:
        """"REACHED", or how it was refused."""
        try:
            return "REACHED" if row.attempt(held, self.stage) else "refused"
        except Killed as end:
            return str(end)

    def test_the_injection_works(self) -> None:
        """Each process executes the injected call: it returns its own process id, and goes on."""
        wg4 = self.start()
        for role, pid in self.processes(wg4).items():
            with self.subTest(role), Injection(pid) as held:
                self.assertEqual(held.call("getpid"), pid)
                self.assertEqual(held.call("write", -1, b"x", 1), -errno.EBADF)
        self.assertIsNone(wg4.process.poll())
        self.end(wg4)

    def test_each_attempt_reaches_its_effect_where_nothing_is_confined(self) -> None:
        for row in ROWS:
            if row.only_of_ours:
                continue
            with self.subTest(row.effect):
                config = self.scratch.file("wg0.conf", "[Interface]\n")
                self.stage = Stage(self.scratch.folder, config, PATIENCE_S)
                free = subprocess.Popen([PYTHON, "-c", "import time; time.sleep(1000)"])
                wait_until(lambda: "sleep" in Path(f"/proc/{free.pid}/wchan").read_text(), 5)
                try:
                    with Injection(free.pid) as held:
                        self.assertEqual(self.outcome(row, held), "REACHED")
                finally:
                    free.kill()
                    free.wait()
                    self.stage.close()
                    shutil.rmtree(self.stage.tunnels, ignore_errors=True)

    def test_none_is_reached(self) -> None:
        for row in ROWS:
            wg4 = self.start()
            roles = self.processes(wg4)
            # It is held meanwhile, and cannot end all of them when one of them dies.
            with Injection(roles.pop("tunnel")) as tunnel:
                for role, pid in roles.items():
                    with Injection(pid) as held:
                        self.try_out(row, role, held)
                self.try_out(row, "tunnel", tunnel)
            self.end(wg4)

    def try_out(self, row: Row, role: str, held: Injection) -> None:
        if role in row.may:
            return
        with self.subTest(row.effect, role=role):
            outcome = self.outcome(row, held)
            print(f"{row.effect:45} {role:10} {outcome}")
            self.stage.restore()
            self.assertNotEqual(outcome, "REACHED")


class OtherTunnel(UsersTunnel):
    def test_no_word_makes_the_reloader_touch_it(self) -> None:
        """For all messages of the tunnel, at each of its sockets."""
        wg4 = self.start()
        tunnel = self.processes(wg4)["tunnel"]
        numbers = [number for number, each in sockets_of(tunnel) if each.close() is None]
        with Injection(tunnel) as held:
            words = held.write(512, b"other")
            piece = held.write(384, struct.pack("=QQ", words, 5))
            header = held.write(0, struct.pack("=QIxxxxQQQQixxxx", 0, 0, piece, 1, 0, 0, 0))
            sent = [held.call("sendmsg", number, header, QUIETLY) for number in numbers]
        self.assertIn(5, sent)
        self.assertFalse(soon(lambda: self.stage.connected(self.stage.control), 2))
        self.end(wg4)


class OtherFile(UsersTunnel):
    def test_no_word_makes_a_reload_read_it(self) -> None:
        """The tunnel is made to believe that it was started with another file, as it will tell everybody."""
        wg4 = self.start()
        other = wg4.config_path.with_name("x" * len(wg4.config_path.name))
        try:
            other.write_text(end_to_end(Identity(), Identity(), 2).for_wg_quick())
            os.chown(other, *self.owner())
            other.chmod(0o600)
            self.assertGreater(replace_in_memory(wg4.pid, str(wg4.config_path), str(other)), 0)
            self.assertIn(f"config={other}\n", self.said())
            done = self.as_user("reload", "effects")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"nothing has changed in {wg4.config_path}", done.stderr)
            self.assertIn(str(wg4.config_path), self.as_user("show", "effects", "--json").stdout)
        finally:
            other.unlink(missing_ok=True)
            self.end(wg4)

    def said(self) -> str:
        # /run is another one here, where everybody may make that folder.
        with Client(Path("/run/wireguard/effects.sock")) as client:
            return client.ask("wg4netns=1\n\n")


def replace_in_memory(pid: int, old: str, new: str) -> int:
    """Each place where the process has this text as a C++ string has it."""
    count = 0
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            places, mode, *rest = line.split()
            if not mode.startswith("rw") or rest[-1].startswith("/"):
                continue
            start, end = (int(place, 16) for place in places.split("-"))
            memory.seek(start)
            with contextlib.suppress(OSError):
                content = memory.read(end - start)
                at = -1
                while (at := content.find(old.encode() + b"\0", at + 1)) >= 0:
                    memory.seek(start + at)
                    count += memory.write(new.encode()) == len(new)
    return count


if __name__ == "__main__":
    if not SUPPORTED or SANITIZED:
        print(f"{sys.argv[0]}: SKIPPED, calls are injected on x86-64, where nothing is sanitized")
        sys.exit(SKIPPED)
    harness.main(as_root=True)
