"""Makes a process make given system calls, as an attacker's code in it would.

The process is stopped by ptrace(2), its registers are set, and one `syscall` instruction of its
own is stepped over. For root, on x86-64.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
from pathlib import Path
from typing import Self

SUPPORTED = platform.machine() == "x86_64"

_ATTACH, _DETACH, _SINGLESTEP, _GETREGS, _SETREGS = 16, 17, 9, 12, 13
_WALL = 0x40000000
_REGISTERS = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
    "fs_base gs_base ds es fs gs"
).split()
_ROOM = 4096  # below what the stack is used for; each part of a process' start needed more
_RED_ZONE = 128

# From asm/unistd_64.h.
NUMBERS = {
    "read": 0,
    "write": 1,
    "open": 2,
    "close": 3,
    "mmap": 9,
    "ioctl": 16,
    "dup2": 33,
    "getpid": 39,
    "socket": 41,
    "connect": 42,
    "sendto": 44,
    "sendmsg": 46,
    "recvmsg": 47,
    "shutdown": 48,
    "bind": 49,
    "listen": 50,
    "setsockopt": 54,
    "clone": 56,
    "fork": 57,
    "vfork": 58,
    "execve": 59,
    "kill": 62,
    "fcntl": 72,
    "truncate": 76,
    "rename": 82,
    "unlink": 87,
    "chmod": 90,
    "ptrace": 101,
    "setuid": 105,
    "tkill": 200,
    "tgkill": 234,
    "openat": 257,
    "unlinkat": 263,
    "unshare": 272,
    "accept4": 288,
    "dup3": 292,
    "sendmmsg": 307,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "memfd_create": 319,
    "execveat": 322,
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "pidfd_open": 434,
    "openat2": 437,
    "pidfd_getfd": 438,
}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class Killed(Exception):
    """The process died of the call."""


def _ptrace(request: int, pid: int, data: object = None) -> None:
    if _libc.ptrace(request, pid, None, data) == -1:
        raise OSError(ctypes.get_errno(), f"ptrace {request} of process {pid}")


class Injection:
    """A process that is held for the time of the `with` block, and makes calls at our word."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.alive = True
        self._saved = (ctypes.c_ulonglong * len(_REGISTERS))()

    def __enter__(self) -> Self:
        _ptrace(_ATTACH, self.pid)
        os.waitpid(self.pid, _WALL)
        _ptrace(_GETREGS, self.pid, ctypes.addressof(self._saved))
        self._memory = open(f"/proc/{self.pid}/mem", "r+b", buffering=0)
        self._instruction = self._find_instruction()
        return self

    def __exit__(self, *_: object) -> None:
        self._memory.close()
        if self.alive:
            _ptrace(_SETREGS, self.pid, ctypes.addressof(self._saved))
            _ptrace(_DETACH, self.pid)

    def _find_instruction(self) -> int:
        for line in Path(f"/proc/{self.pid}/maps").read_text().splitlines():
            places, mode, *rest = line.split()
            if "x" not in mode or rest[-1] == "[vsyscall]":
                continue
            start, end = (int(place, 16) for place in places.split("-"))
            self._memory.seek(start)
            found = self._memory.read(end - start).find(b"\x0f\x05")
            if found >= 0:
                return start + found
        raise AssertionError(f"process {self.pid} has no system call instruction")

    def _register(self, name: str) -> int:
        return self._saved[_REGISTERS.index(name)]

    def call(self, name: str, *arguments: int | bytes | bytearray) -> int:
        """What the kernel answers, negative numbers of errors included. Bytes are passed by their
        address; a bytearray gets what the call has written there."""
        at = self._register("rsp") - _RED_ZONE - _ROOM
        values, buffers = [], []
        for argument in arguments:
            if isinstance(argument, int):
                values.append(argument & (1 << 64) - 1)
                continue
            self._write(at, bytes(argument))
            values.append(at)
            buffers.append((at, argument))
            at += len(argument) + 15 & ~15
        assert at <= self._register("rsp") - _RED_ZONE, "too much for the room"
        result = self._step(NUMBERS[name], values)
        for place, buffer in buffers:
            if isinstance(buffer, bytearray):
                buffer[:] = self._read(place, len(buffer))
        return result

    def room(self) -> int:
        """An address that nothing is at, for structures with pointers; see write()."""
        return self._register("rsp") - _RED_ZONE - 2 * _ROOM

    def write(self, offset: int, data: bytes) -> int:
        """Puts `data` at room() + offset; its address."""
        self._write(self.room() + offset, data)
        return self.room() + offset

    def _write(self, address: int, data: bytes) -> None:
        self._memory.seek(address)
        self._memory.write(data)

    def _read(self, address: int, size: int) -> bytes:
        self._memory.seek(address)
        return self._memory.read(size)

    def _step(self, number: int, values: list[int]) -> int:
        registers = (ctypes.c_ulonglong * len(_REGISTERS))(*self._saved)

        def put(name: str, value: int) -> None:
            registers[_REGISTERS.index(name)] = value

        put("rip", self._instruction)
        put("rax", number)
        put("orig_rax", (1 << 64) - 1)  # no interrupted call to begin again
        for register, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), values):
            put(register, value)
        _ptrace(_SETREGS, self.pid, ctypes.addressof(registers))
        while True:
            _ptrace(_SINGLESTEP, self.pid)
            _, status = os.waitpid(self.pid, _WALL)
            if not os.WIFSTOPPED(status):
                self.alive = False
                raise Killed(describe(status))
            if os.WSTOPSIG(status) == signal.SIGTRAP:
                break
            # A signal came first, that one of its children has ended, say: never mind.
        _ptrace(_GETREGS, self.pid, ctypes.addressof(registers))
        return struct.unpack("q", struct.pack("Q", registers[_REGISTERS.index("rax")]))[0]


def describe(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    if os.WIFSTOPPED(status):
        return f"stopped by {signal.Signals(os.WSTOPSIG(status)).name}"
    return f"ended with status {os.waitstatus_to_exitcode(status)}"
