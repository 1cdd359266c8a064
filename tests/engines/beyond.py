"""The far end that the engine tests reach: a wireguard-go with services behind it."""

from __future__ import annotations

import json
import select
from pathlib import Path

from fixtures import THEIRS, THEIRS6
from harness import TestCase
from namespaces import PYTHON
from processes import read_line
from wireguard import Config, Identity, Peer, Relay

HERE = Path(__file__).resolve().parent
NET, NET6 = "10.77.0", "fd77::"
NAME = "target.test"  # as far_services.py has it


class Beyond:
    """Services at THEIRS and THEIRS6, far behind a WireGuard peer that knows `clients` keys.

    Client number n has the addresses 10.77.0.(10+n) and fd77::(10+n); `configs` has what each
    needs, with the whole world behind the peer and its DNS server named.
    """

    def __init__(self, case: TestCase, clients: int = 1, *, dns: bool = True) -> None:
        self.ns = case.namespace(mount=True)
        theirs, ours = Identity(), [Identity() for _ in range(clients)]
        self.addresses = [f"{NET}.{10 + n}" for n in range(clients)]
        self.addresses6 = [f"{NET6}{10 + n}" for n in range(clients)]
        peers = [
            Peer(one.public, [f"{NET}.{10 + n}/32", f"{NET6}{10 + n}/128"])
            for n, one in enumerate(ours)
        ]
        far = Config(theirs.private, [f"{THEIRS}/32", f"{THEIRS6}/128"], peers, port=51820)
        self.go = case.wireguard_go(self.ns, far)
        relay: Relay = case.enterContext(Relay(self.ns, far.port))
        self.configs = [
            Config(
                one.private,
                [f"{NET}.{10 + n}/32", f"{NET6}{10 + n}/128"],
                [Peer(theirs.public, ["0.0.0.0/0", "::/0"], endpoint=relay.endpoint)],
            ).for_wg_quick()
            for n, one in enumerate(ours)
        ]
        if dns:
            line = f"[Interface]\nDNS = {THEIRS}, {THEIRS6}\n"
            self.configs = [text.replace("[Interface]\n", line, 1) for text in self.configs]
        self._log = case.scratch.file("far-services.log")
        stream = case.enterContext(self._log.open("w"))
        self._services = case.enterContext(
            self.ns.background(
                PYTHON, str(HERE / "far_services.py"), THEIRS, THEIRS6, stderr=stream
            )
        )
        read_line(self._services)

    def askers(self) -> set[str]:
        """From which addresses DNS queries came since the last look; at least one, or an error."""
        lines = [read_line(self._services)]
        while select.select([self._services.stdout], [], [], 0.2)[0]:
            lines.append(read_line(self._services))
        return {json.loads(line)["source"] for line in lines}
