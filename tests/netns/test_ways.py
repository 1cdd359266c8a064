"""Ways in and out of a tunnel that commands run in: services of the host, its network, a port of the provider's."""

from __future__ import annotations

import os
import signal
import socket
import subprocess

import harness
from fixtures import OURS as OUR_ADDRESS
from fixtures import THEIRS
from namespaces import HERE, PYTHON, Namespace
from processes import read_line, wait_until
from program import Wg4
from run_case import RunCase

LAN, LAN_HOST = "192.168.77.0/24", "192.168.77.1"
LAN6_HOST = "fd99::1"

# What a command inside hears: `sys.argv` is PROTOCOL ADDRESS PORT; prints the answer, or the error.
ASK = """
import socket, sys
protocol, address, port = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
with socket.socket(family, kind) as s:
    s.settimeout(20)
    try:
        s.connect((address, int(port))); s.send(b"question"); print(s.recv(100).decode())
    except OSError as error:
        print(type(error).__name__)
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class WayCase(RunCase):
    def service(self, protocol: str, address: str, port: int, host: Namespace | None = None) -> None:
        """Says back what it hears."""
        name = "echo" if protocol == "tcp" else "udp-echo"
        argv = [PYTHON, str(HERE / "services.py"), name, address, str(port)]
        process = subprocess.Popen(host.command(*argv) if host else argv, stdout=subprocess.PIPE, bufsize=0)
        self.addCleanup(self.end_service, process)
        read_line(process)
        self.expect_running(process.pid)

    def end_service(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        process.stdout.close()

    def say_hello_to_peer(self) -> None:
        """It learns where this end is."""
        self.assertEqual(self.call("exec", "work", "--", "ping", "-qc1", "-W20", THEIRS).returncode, 0)

    def hears(self, options: list[str], protocol: str, address: str, port: int) -> str:
        done = self.run_in(PYTHON, "-ISc", ASK, protocol, address, str(port), options=options)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout.strip()


class HostPorts(WayCase):
    def test_tcp_at_both_loopback_addresses(self) -> None:
        port = free_port()
        self.service("tcp", "127.0.0.1", port)
        way = [f"--host-port=80:{port}"]
        for address in ("127.0.0.1", "::1"):
            with self.subTest(address=address):
                self.assertEqual(self.hears(way, "tcp", address, 80), "question")

    def test_udp(self) -> None:
        port = free_port()
        self.service("udp", "127.0.0.1", port)
        way = [f"--host-port=udp:5300:127.0.0.1:{port}"]
        for address in ("127.0.0.1", "::1"):
            with self.subTest(address=address):
                self.assertRegex(self.hears(way, "udp", address, 5300), r"^\d+ question$")

    def test_a_service_at_the_hosts_ipv6_loopback(self) -> None:
        port = free_port()
        self.service("tcp", "::1", port)
        self.assertEqual(self.hears([f"--host-port=5432:[::1]:{port}"], "tcp", "127.0.0.1", 5432), "question")

    def test_nothing_else_is_reachable(self) -> None:
        port, other = free_port(), free_port()
        for each in (port, other):
            self.service("tcp", "127.0.0.1", each)
        way = [f"--host-port={port}:{port}"]
        self.assertEqual(self.hears(way, "tcp", "127.0.0.1", port), "question")
        self.assertEqual(self.hears(way, "tcp", "127.0.0.1", other), "ConnectionRefusedError")
        self.assertEqual(self.hears(way, "tcp", "127.0.0.2", port), "ConnectionRefusedError")
        self.assertEqual(self.hears([], "tcp", "127.0.0.1", port), "ConnectionRefusedError")

    def test_nothing_listens_on_the_host(self) -> None:
        port = free_port()
        self.assertEqual(self.hears([f"--host-port=80:{port}"], "tcp", "127.0.0.1", 80), "ConnectionResetError")

    def test_the_peer_cannot_use_it(self) -> None:
        port = free_port()
        self.service("tcp", "127.0.0.1", port)
        self.assert_ends(self.call("up", f"--host-port=80:{port}", "work"))
        done = self.call("exec", "work", "--", PYTHON, "-ISc", ASK, "tcp", "127.0.0.1", "80")
        self.assert_ends(done, 0, "question\n")
        self.say_hello_to_peer()
        done = self.pair.other.run(PYTHON, "-ISc", ASK, "tcp", OUR_ADDRESS, "80")
        self.assertEqual(done.stdout, "ConnectionRefusedError\n")
        self.down("work")

    def test_much_data_both_ways(self) -> None:
        port = free_port()
        self.service("tcp", "127.0.0.1", port)
        script = (
            "import hashlib, os, socket, threading\n"
            "data, heard = os.urandom(32 << 20), hashlib.sha256()\n"
            "s = socket.create_connection(('127.0.0.1', 80))\n"
            "def say(): s.sendall(data); s.shutdown(socket.SHUT_WR)\n"
            "threading.Thread(target=say).start()\n"
            "while part := s.recv(1 << 20): heard.update(part)\n"
            "print(heard.digest() == hashlib.sha256(data).digest())"
        )
        done = self.run_in(PYTHON, "-ISc", script, options=[f"--host-port=80:{port}"])
        self.assert_ends(done, 0, "True\n")

    def test_it_is_shown(self) -> None:
        self.assert_ends(self.call("up", "--host-port=80:8080", "--host-port=udp:53:127.0.0.53:53", "work"))
        ways = ["host port 127.0.0.1:8080 (tcp) at 127.0.0.1:80", "host port 127.0.0.53:53 (udp) at 127.0.0.1:53"]
        self.assertEqual(self.tunnels()["work"]["ways"], ways)
        self.assertIn(ways[0], self.call("ps").stdout)
        self.assertIn(f"on-purpose: {ways[1]}", self.call("verify", "work").stdout)
        self.assert_refused(
            self.run_in("true", options=["--host-port=80:8081"]), "--host-port=80:8081", nothing_left=False
        )
        self.down("work")

    def test_the_process_is_killed(self) -> None:
        process = self.start("run", "--host-port=80:8080", "work", "--", "sleep", "60")
        self.wait_for(lambda: self.tunnels().get("work", {}).get("processes"), "the command runs")
        (ways,) = self.processes("wg4netns-ways")
        os.kill(ways.pid, signal.SIGKILL)
        self.wait_for(lambda: not self.tunnels()["work"]["tunnelRuns"], "the tunnel ends")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 128 + signal.SIGTERM)

    def test_refused(self) -> None:
        for spec, says in {
            "80": "a port inside and one of the host",
            "80:192.168.1.1:80": "see --lan",
            "x:80": "'x' is not a port",
        }.items():
            with self.subTest(spec=spec):
                self.assert_refused(self.run_in("true", options=[f"--host-port={spec}"]), spec, says)
        twice = ["--host-port=80:1", "--host-port=80:2"]
        self.assert_refused(self.run_in("true", options=twice), "leads somewhere already")


class Lan(WayCase):
    """On a host with another address than those of loopback."""

    peer_answers = False

    def setUp(self) -> None:
        super().setUp()
        self.host = self.namespace(mount=True)
        self.host.ip(f"address add {LAN_HOST}/24 dev lo")
        self.host.ip(f"address add {LAN6_HOST}/64 dev lo")
        self.pair.other_config.peers[0].allowed.append(LAN)
        self.pair.other = self.namespace(self.host)
        for each in (self.host, self.pair.other):
            self.expect_running(each.pid)
        peer = self.enterContext(Wg4(self.scratch, self.pair.other, self.pair.other_config, where=self.host))
        self.expect_running(peer.pid)

    def argv(self, *words: str | bytes) -> list[str | bytes]:
        return self.host.command(*super().argv(*words))

    def test_tcp_and_udp(self) -> None:
        for protocol in ("tcp", "udp"):
            for address in (LAN_HOST, LAN6_HOST):
                self.service(protocol, address, 8001, self.host)
        ways = [f"--lan={LAN}:80,8000-8010", "--lan=[fd99::/64]:8001"]
        for protocol in ("tcp", "udp"):
            for address in (LAN_HOST, LAN6_HOST):
                with self.subTest(protocol=protocol, address=address):
                    self.assertRegex(self.hears(ways, protocol, address, 8001), "question$")

    def test_nothing_else_is_reachable(self) -> None:
        for address, port in ((LAN_HOST, 8001), (LAN_HOST, 8002), ("127.0.0.1", 8001)):
            self.service("tcp", address, port, self.host)
        way = [f"--lan={LAN}:8001"]
        self.assertEqual(self.hears(way, "tcp", LAN_HOST, 8001), "question")
        self.assertEqual(self.hears(way, "tcp", LAN_HOST, 8002), "ConnectionRefusedError")
        self.assertEqual(self.hears(way, "tcp", "127.0.0.1", 8001), "ConnectionResetError")

    def test_beside_a_host_port(self) -> None:
        self.service("tcp", LAN_HOST, 8001, self.host)
        self.service("udp", "127.0.0.1", 9001, self.host)
        ways = [f"--lan={LAN_HOST}:8001", "--host-port=udp:8001:9001"]
        self.assertEqual(self.hears(ways, "tcp", LAN_HOST, 8001), "question")
        self.assertRegex(self.hears(ways, "udp", "127.0.0.1", 8001), "question$")

    def test_the_peer_cannot_use_it(self) -> None:
        """Its packets to these addresses arrive at the namespace, which believes them to be its own."""
        self.service("tcp", LAN_HOST, 8001, self.host)
        self.service("udp", LAN_HOST, 8001, self.host)
        self.assert_ends(self.call("up", f"--lan={LAN}:8001", "work"))
        done = self.call("exec", "work", "--", PYTHON, "-ISc", ASK, "tcp", LAN_HOST, "8001")
        self.assert_ends(done, 0, "question\n")
        self.say_hello_to_peer()
        for protocol in ("tcp", "udp"):
            done = self.pair.other.run(PYTHON, "-ISc", ASK, protocol, LAN_HOST, "8001")
            self.assertEqual(done.stdout, "ConnectionRefusedError\n")
        self.down("work")

    def test_it_is_shown(self) -> None:
        self.assert_ends(self.call("up", f"--lan={LAN}:80,8000-8010", "work"))
        way = f"local network {LAN}, port 80, 8000-8010"
        self.assertEqual(self.tunnels()["work"]["ways"], [way])
        lines = self.call("verify", "work").stdout.splitlines()
        self.assertTrue([line for line in lines if "on-purpose" in line and way in line], lines)
        self.assertEqual([line for line in lines if line.startswith("problem")], [])
        self.down("work")

    def test_refused(self) -> None:
        for spec, says in {
            LAN: "the ports are missing",
            "0.0.0.0/0:80": "the whole Internet",
            "127.0.0.0/8:80": "see --host-port",
            "10.77.0.0/24:80": f"the tunnel's DNS server {THEIRS}",
            f"{LAN}:1-1000": "too many ports",
        }.items():
            with self.subTest(spec=spec):
                self.assert_refused(self.run_in("true", options=[f"--lan={spec}"]), says)


class ForwardedPort(RunCase):
    def setUp(self) -> None:
        super().setUp()
        self.says = self.scratch.file("gateway", "50123 60")

    def gateway(self) -> subprocess.Popen[bytes]:
        script = str(HERE / "natpmp_gateway.py")
        process = self.enterContext(self.pair.other.background(PYTHON, script, THEIRS, str(self.says)))
        read_line(process)
        self.expect_running(process.pid)
        return process

    def test_the_command_knows_it(self) -> None:
        """The gateway is the DNS server."""
        gateway = self.gateway()
        done = self.run_in("printenv", "WIREGUARD4NETNS_FORWARDED_PORT", options=["--port-forwarding"])
        self.assert_ends(done, 0, "50123\n")
        self.assertEqual(read_line(gateway), "000100000000000" + "10000003c\n")
        self.assertEqual(read_line(gateway), "00020000" + "0000c3cb" + "0000003c\n")

    def test_none_is_inherited(self) -> None:
        inherited = {"WIREGUARD4NETNS_FORWARDED_PORT": "1"}
        done = self.run_in("printenv", "WIREGUARD4NETNS_FORWARDED_PORT", environment=inherited)
        self.assert_ends(done, 1, "")

    def test_file_callback_and_ps(self) -> None:
        self.gateway()
        self.says.write_text("50123 2")  # renewed after 1.5 s
        file, called = self.home / "port", self.home / "called"
        callback = f"echo {{{{PORT}}}} $WIREGUARD4NETNS_FORWARDED_PORT {{{{VPN_INTERFACE}}}} >>{called}"
        done = self.call(
            "up", f"--port-forwarding=natpmp:{THEIRS}", f"--port-file={file}",
            f"--port-forwarding-callback={callback}", "work",
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(file.read_text(), "50123\n")
        self.assertEqual(self.tunnels()["work"]["forwardedPort"], 50123)
        self.assertEqual(self.tunnels()["work"]["ways"], [f"port forwarding, asked of {THEIRS} by NAT-PMP"])
        self.assertIn("port 50123 forwarded", self.call("ps").stdout)
        self.says.write_text("50124 2")
        self.wait_for(lambda: file.read_text() == "50124\n", "the file has the new port")
        self.wait_for(lambda: called.exists() and len(called.read_text().splitlines()) == 2, "both callbacks")
        first, second = (line.split() for line in called.read_text().splitlines())
        self.assertEqual((first, second), (["50123", "50123", "wg0"], ["50124", "50124", "wg0"]))
        done = self.call("exec", "work", "--", "printenv", "WIREGUARD4NETNS_FORWARDED_PORT")
        self.assert_ends(done, 0, "50124\n")
        self.down("work")
        self.assertFalse(file.exists())

    def test_a_lost_port_is_asked_for_again(self) -> None:
        self.gateway()
        self.says.write_text("50123 2")
        file = self.home / "port"
        self.assert_ends(self.call("up", "--port-forwarding", f"--port-file={file}", "work"))
        self.says.write_text("silent")
        self.wait_for(lambda: not file.exists(), "the port is lost")
        self.assertIsNone(self.tunnels()["work"]["forwardedPort"])
        self.says.write_text("50125 2")
        self.assertTrue(wait_until(lambda: file.exists() and file.read_text() == "50125\n", 20), "it comes back")
        self.down("work")

    def test_a_server_without_port_forwarding(self) -> None:
        self.assert_refused(self.run_in("true", options=["--port-forwarding"]), "has no port forwarding", THEIRS)

    def test_a_refusal(self) -> None:
        self.gateway()
        self.says.write_text("refuse 2")
        self.assert_refused(self.run_in("true", options=["--port-forwarding"]), "no port to this key", THEIRS)

    def test_a_gateway_outside_of_the_tunnel(self) -> None:
        done = self.run_in("true", options=["--port-forwarding=natpmp:192.0.2.9"])
        self.assert_refused(done, "reach 192.0.2.9 through the tunnel")

    def test_no_gateway_to_be_seen(self) -> None:
        self.profile(dns="2001:db8::1")
        done = self.run_in("true", options=["--port-forwarding=natpmp:nonsense"])
        self.assert_refused(done, "neither natpmp nor natpmp:GATEWAY")

    def test_no_place_for_the_file(self) -> None:
        self.gateway()
        done = self.run_in("true", options=["--port-forwarding", "--port-file=/nowhere/port"])
        self.assert_refused(done, "/nowhere/port", "--port-file")
        self.assert_refused(self.run_in("true", options=["--port-file=port"]), "--port-forwarding")

    def test_a_silent_gateway(self) -> None:
        self.gateway()
        self.says.write_text("silent")
        log = self.scratch.file("silent.log")
        process = self.start("run", "--port-forwarding", "work", "--", "true", stderr=log.open("w"))
        self.assertTrue(wait_until(lambda: "does not answer" in log.read_text(), 30), "it says why it waits")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), -signal.SIGTERM)

    def test_the_process_is_killed(self) -> None:
        self.gateway()
        self.assert_ends(self.call("up", "--port-forwarding", "work"))
        (port,) = self.processes("wg4netns-port")
        os.kill(port.pid, signal.SIGKILL)
        self.wait_for(lambda: self.tunnels()["work"]["forwardedPort"] is None, "nobody claims to have a port")
        self.down("work")

    def test_the_keeper_is_killed(self) -> None:
        self.gateway()
        file = self.home / "port"
        self.assert_ends(self.call("up", "--port-forwarding", f"--port-file={file}", "work"))
        os.kill(self.tunnels()["work"]["keeper"], signal.SIGKILL)
        self.wait_for(lambda: not file.exists(), "the file is gone")
        self.assertEqual(self.tunnels(), {})


if __name__ == "__main__":
    harness.main()
