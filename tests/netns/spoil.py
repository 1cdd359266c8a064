"""Breaks the isolation of a tunnel on purpose, from within: `spoil.py PID ACTION...`

PID is a process that holds the tunnel's namespaces, whose user starts this: the owner of a user namespace has all
rights in there. They are gone after exec, so this program does by itself what takes rights over mounts.

    umount PATH         takes a mount away
    bind FILE PATH      shows FILE at PATH, which is made if it is not there
    run COMMAND...      a program with all rights over the network
    live NAMESPACES     says "up" in these namespaces of PID alone ("user,net"), and stays
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
MS_BIND, MNT_DETACH = 4096, 2
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
CAP_NET_ADMIN, CAPABILITY_VERSION_3 = 12, 0x20080522


def check(result: int, what: str) -> None:
    if result != 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


def enter(pid: str, kinds: list[str]) -> None:
    fds = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY) for kind in kinds]
    for fd in fds:
        check(LIBC.setns(fd, 0), "setns")
        os.close(fd)


def umount(path: str) -> None:
    check(LIBC.umount2(path.encode(), MNT_DETACH), f"umount {path}")


def bind(file: str, path: str) -> None:
    place = Path(path)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    check(LIBC.mount(file.encode(), path.encode(), None, MS_BIND, None), f"bind {path}")


def run(*command: str) -> None:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    check(LIBC.capget(header, sets), "capget")
    sets[2], sets[5] = sets[1], sets[4]  # inheritable, as permitted
    check(LIBC.capset(header, sets), "capset")
    check(LIBC.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0), "keep CAP_NET_ADMIN")
    os.execvp(command[0], command)


def main(pid: str, action: str, *words: str) -> None:
    if action == "live":
        enter(pid, words[0].split(","))
        print("up", flush=True)
        signal.pause()
    enter(pid, ["user", "mnt", "net"])
    {"umount": umount, "bind": bind, "run": run}[action](*words)


main(*sys.argv[1:])
