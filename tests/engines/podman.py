"""Rootless Podman with a home of its own, an image of busybox, and our program as its slirp4netns."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tarfile
from pathlib import Path
from typing import Self

from namespaces import HERE
from program import bindir
from scratch import Scratch

IMAGE = "localhost/box"
HOOK = HERE.parent.parent / "examples/podman/hooks.d/wireguard4netns.json"

CONTAINERS_CONF = """\
[containers]
cgroups = "disabled"
default_sysctls = []
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
network_cmd_path = "{program}"
[engine.runtimes]
crun = ["{shim}"]
[network]
network_backend = "netavark"
default_rootless_network_cmd = "slirp4netns"
"""

# crun refuses hybrid cgroups even when it is to leave them alone.
CRUN_SHIM = """\
#!/bin/sh
exec unshare --mount --propagation private sh -c \
    'mount -t tmpfs tmpfs /sys/fs/cgroup; exec /usr/bin/crun "$@"' crun "$@"
"""


class Podman:
    """`podman ...` as the test's user, with everything that it keeps in a scratch folder."""

    def __init__(self, scratch: Scratch, config: str | None = None) -> None:
        self.home = scratch.folder / "00-podman"
        self.runtime_dir = scratch.folder / "00-run"
        self._scratch = scratch
        self.config = scratch.file("vpn.conf", config) if config else None

    def __enter__(self) -> Self:
        self.home.mkdir()
        self.runtime_dir.mkdir(mode=0o700)
        shim = self._write("crun", CRUN_SHIM, 0o755)
        program = bindir() / "wireguard4netns"
        containers = ".config/containers"
        conf = CONTAINERS_CONF.format(program=program, shim=shim)
        self._write(f"{containers}/containers.conf", conf)
        self._write(f"{containers}/storage.conf", '[storage]\ndriver = "vfs"\n')
        policy = '{"default": [{"type": "insecureAcceptAnything"}]}'
        self._write(f"{containers}/policy.json", policy)
        image = self.home / "box.tar"
        make_image(image)
        with contextlib.ExitStack() as stack:
            stack.callback(self._close)
            change = 'CMD ["sleep", "1000"]'
            self.run("import", "--quiet", "--change", change, str(image), IMAGE)
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        self.run("rm", "--all", "--force", "--time", "0", check=False)
        self.run("network", "prune", "--force", check=False)
        self.run("unshare", "rm", "-rf", str(self.home / ".local"), check=False)
        for pidfile in self.runtime_dir.glob("libpod/tmp/pause.pid"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pidfile.read_text()), signal.SIGKILL)

    def environment(self, **more: str) -> dict[str, str]:
        base = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime_dir),
            "LC_ALL": "C.UTF-8",
            "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",  # of this machine, not of what is tested
        }
        base |= {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        if self.config:
            base["WIREGUARD4NETNS_CONFIG"] = str(self.config)
        return base | more

    def run(
        self, *arguments: str, check: bool = True, seconds: float = 120, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["podman", *arguments],
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            cwd=self.home,
            env=self.environment(**environment),
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"podman {' '.join(arguments)}: status {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def start(self, name: str, *arguments: str, network: str = "slirp4netns", **environment: str):
        """A container that stays, under its name."""
        command = ("run", "--detach", "--name", name, "--network", network, *arguments)
        return self.run(*command, **environment)

    def inside(self, name: str, *command: str, check: bool = True) -> str:
        return self.run("exec", name, *command, check=check).stdout

    def pid(self, name: str) -> int:
        return int(self.run("inspect", "--format", "{{.State.Pid}}", name).stdout)

    def install_hook(
        self, environment: list[str] | None = None, when: object = None, allow: str = ""
    ) -> Path:
        """The example's hook, with the program that is tested; its folder."""
        file = json.loads(HOOK.read_text())
        file["hook"]["path"] = str(bindir() / "wireguard4netns")
        if allow:
            file["hook"]["args"].append(f"--allow-annotations={allow}")
        if environment:
            file["hook"]["env"] = environment
        if when:
            file["when"] = when
        return self._write(f"hooks.d/{HOOK.name}", json.dumps(file)).parent

    def add_profile(self, name: str, text: str) -> None:
        self._write(f".config/wireguard4netns/profiles/{name}.conf", text, 0o600)

    def namespaces(self) -> list[str]:
        """Network namespaces that Podman holds."""
        folder = self.runtime_dir / "netns"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def _write(self, name: str, text: str, mode: int = 0o644) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path


def make_image(path: Path) -> None:
    """A root file system of one static busybox under its many names."""
    names = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True)
    with tarfile.open(path, "w") as tar:
        tar.add("/bin/busybox", "bin/busybox")
        for name in sorted(set(names.stdout.split()) - {"busybox"}):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for folder in ("etc", "tmp", "root", "www"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
