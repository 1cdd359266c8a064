"""clang-format has nothing to say about any C++ file of the project."""

from __future__ import annotations

import subprocess
import sys

import project


def main() -> int:
    clang_format = project.require_tool("clang-format-19", "clang-format-19")
    files = [str(path) for path in project.files(*project.CXX_SUFFIXES)]
    if not files:
        return project.report([], 0, "files")
    command = [clang_format, "--dry-run", "-Werror", "--style=file", *files]
    status = subprocess.run(command, cwd=project.ROOT, check=False).returncode
    print(f"{len(files)} files checked")
    if status != 0:
        print("to set it right: clang-format-19 -i $(git ls-files '*.h' '*.cc')")
    return 1 if status != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
