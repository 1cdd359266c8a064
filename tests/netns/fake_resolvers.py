"""Everything on a host that a program could ask for a name, for the trials of leaks: `fake_resolvers.py`.

Listens at the sockets of nscd, systemd-resolved (varlink, the bus, the stub resolver), avahi, and says on stdout who
was asked, a JSON line for each connection and each piece of data. It answers nothing. Says {"listening": true} first.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
from pathlib import Path

SOCKETS = {
    "nscd": "/run/nscd/socket",
    "varlink": "/run/systemd/resolve/io.systemd.Resolve",
    "varlink monitor": "/run/systemd/resolve/io.systemd.Resolve.Monitor",
    "bus": "/run/dbus/system_bus_socket",
    "avahi": "/run/avahi-daemon/socket",
}
ABSTRACT = {"abstract": "\0wg4-fake-resolver"}
STUBS = ("127.0.0.53", "127.0.0.54")


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def main() -> None:
    selector = selectors.DefaultSelector()
    for name, path in (SOCKETS | ABSTRACT).items():
        if not path.startswith("\0"):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen()
        if not path.startswith("\0"):
            os.chmod(path, 0o666)
        selector.register(listener, selectors.EVENT_READ, (name, "listener"))
    for address in STUBS:
        stub = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stub.bind((address, 53))
        selector.register(stub, selectors.EVENT_READ, (f"stub {address}", "stub"))
        listener = socket.create_server((address, 53))
        selector.register(listener, selectors.EVENT_READ, (f"stub {address}", "listener"))
    say(listening=True)
    while True:
        for key, _ in selector.select():
            name, kind = key.data
            if kind == "listener":
                client, _ = key.fileobj.accept()
                say(asked=name, data="")
                selector.register(client, selectors.EVENT_READ, (name, "client"))
                continue
            try:
                data = key.fileobj.recv(65536)
            except OSError:
                data = b""
            if data:
                say(asked=name, data=data.hex())
            elif kind == "client":
                selector.unregister(key.fileobj)
                key.fileobj.close()
            if kind == "client" and data:  # nobody waits for an answer that does not come
                selector.unregister(key.fileobj)
                key.fileobj.close()


if __name__ == "__main__":
    main()
