"""A test with a Podman, and something beyond a WireGuard peer to reach from its containers."""

from __future__ import annotations

from beyond import Beyond
from engine_case import EngineCase, Inside
from podman import Podman


class PodmanCase(EngineCase):
    clients = 1
    dns = True

    def setUp(self) -> None:
        super().setUp()
        self.beyond = Beyond(self, self.clients, dns=self.dns)
        self.podman = self.enterContext(Podman(self.scratch, self.beyond.configs[0]))

    def inside(self, name: str) -> Inside:
        return lambda *command: self.podman.inside(name, *command)

    def assert_engine_empty(self) -> None:
        self.assert_all_ended()
        self.assertEqual(self.podman.namespaces(), [])
