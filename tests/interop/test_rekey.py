"""A live rekey with Debian's wireguard-go: at 120 s the session is renewed and no ping is lost."""

import harness_path  # noqa: F401  (finds the modules below)
import harness
from fixtures import THEIRS, tunnel_in_world
from probes import ping


class Rekey(harness.TestCase):
    def test_no_ping_is_lost(self) -> None:
        tunnel = tunnel_in_world(self)
        self.assert_pings(tunnel.container, THEIRS, count=1)
        first = int(tunnel.go.peer("latest-handshakes", tunnel.ours.public))
        result = ping(tunnel.container, THEIRS, 1300, interval=0.1)
        second = int(tunnel.go.peer("latest-handshakes", tunnel.ours.public))
        self.assertEqual(result.received, 1300, result.text)
        self.assertTrue(115 <= second - first <= 130, f"renewed after {second - first} s")


if __name__ == "__main__":
    harness.main()
