"""Each system call that the tables of the filters name has one number: that of the machine's headers, by which the
program makes it, and that of libseccomp, by which the filter lets it pass.

    syscall_numbers.py COMPILER PROCESSOR   of the machine that COMPILER compiles for, as CMake calls its processor
    syscall_numbers.py --self-test          shows that a difference is found
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_* of linux/audit.h


def names() -> list[str]:
    """The calls that the tables name, SCMP_SYS(name), in all sources of the programs."""
    sources = [path for folder in ("shared", "netns-helper", "wg4netns") for path in (ROOT / folder).rglob("*.cc")]
    texts = (path.read_text(encoding="utf-8") for path in sources)
    return sorted({name for text in texts for name in re.findall(r"\bSCMP_SYS\((\w+)\)", text)})


def of_headers(compiler: str, wanted: list[str]) -> dict[str, int | None]:
    """None: a call that this machine does not have."""
    source = "#include <sys/syscall.h>\n" + "".join(f"wg4 {name} = __NR_{name}\n" for name in wanted)
    command = [compiler, "-E", "-P", "-x", "c++", "-"]
    text = subprocess.run(command, input=source, stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = dict(re.findall(r"^wg4 (\w+) = (\w+)$", text, re.MULTILINE))
    return {name: int(lines[name]) if lines[name].isdecimal() else None for name in wanted}


def of_libseccomp(processor: str, wanted: list[str]) -> dict[str, int | None]:
    library = ctypes.CDLL("libseccomp.so.2")
    resolve = library.seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    numbers = {name: resolve(ARCHITECTURES[processor], name.encode()) for name in wanted}
    # Its own numbers for what other machines have are below zero.
    return {name: number if number >= 0 else None for name, number in numbers.items()}


def differences(ours: dict[str, int | None], theirs: dict[str, int | None]) -> list[str]:
    other = [name for name in ours if ours[name] != theirs[name]]
    return [f"{name}: {ours[name]} in the headers, {theirs[name]} in libseccomp" for name in other]


def self_test() -> int:
    wanted = ["openat", "open"]
    arm = of_libseccomp("aarch64", wanted)
    print(arm, differences(arm, of_libseccomp("x86_64", wanted)))
    found = len(differences(arm, of_libseccomp("x86_64", wanted)))
    return 0 if arm == {"openat": 56, "open": None} and found == 2 else 1


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    compiler, processor = sys.argv[1:]
    wanted = names()
    headers = of_headers(compiler, wanted)
    wrong = differences(headers, of_libseccomp(processor, wanted))
    for line in wrong:
        print(line)
    absent = ", ".join(name for name, number in headers.items() if number is None) or "none"
    print(f"{processor}: {len(wanted)} system calls, {len(wrong)} wrong; those that it does not have: {absent}")
    return 1 if wrong or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
