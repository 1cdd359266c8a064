"""Published ports: from the host into the namespace, as an ordinary user; the API of slirp4netns."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import resource
import select
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import harness
from fixtures import pair_on_loopback
from namespaces import HERE, PYTHON, Namespace
from processes import PATIENCE_S, assert_only, descendants, is_idle, read_line, status_field, wait_until
from program import SANITIZED, Wg4, bindir, program_environment

CONNECTIONS = 5000
SECONDS = PATIENCE_S  # of a client
GUEST = "10.0.2.100"  # the API's default for an empty guest_addr


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, address: str = "127.0.0.1") -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def connect(port: int, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((address, port), timeout=PATIENCE_S)


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while data := connection.recv(1 << 20):
        parts.append(data)
    return b"".join(parts)


class ForwardCase(harness.TestCase):
    limit: tuple[str, ...] = ()  # a command that the program is started through

    def setUp(self) -> None:
        super().setUp()
        pair = pair_on_loopback(self)
        self.ns, self.config = pair.one, pair.config

    def service(self, name: str, port: int = 0, address: str = "127.0.0.1") -> int:
        """Starts a service in the namespace; its port."""
        port = port or free_port()
        command = [PYTHON, str(HERE / "services.py"), name, address, str(port)]
        self.running = self.enterContext(self.ns.background(*command))
        read_line(self.running)
        return port

    def publish(self, *specs: str, api: bool = False) -> Wg4:
        options = [f"--publish={spec}" for spec in specs]
        self.api_path = str(self.scratch.folder / "00-api.sock")
        options += ["--api-socket", self.api_path] if api else []
        return self.wg4(self.ns, self.config, options=options, prefix=self.limit)

    def api(self, request: bytes | dict) -> bytes:
        text = request if isinstance(request, bytes) else json.dumps(request).encode()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(self.api_path)
            client.sendall(text)
            return read_all(client)

    def add(self, **arguments: object) -> bytes:
        return self.api({"execute": "add_hostfwd", "arguments": arguments})


class Tcp(ForwardCase):
    def check_digest(self, port: int, address: str = "127.0.0.1", size: int = 1 << 20) -> str:
        """Sends, ends its half, and checks the answer; returns the client's address that the service saw."""
        data = random.Random(size).randbytes(size)
        with connect(port, address) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            text, peer = read_all(client).decode().split()
        self.assertEqual(text, hashlib.sha256(data).hexdigest())
        return peer

    def test_half_close_and_content(self) -> None:
        inside, outside = self.service("digest"), free_port()
        self.publish(f"127.0.0.1:{outside}:{inside}")
        for size in (0, 1, 1448, 65536, 5 << 20, 50 << 20):
            with self.subTest(size=size):
                self.assertEqual(self.check_digest(outside, size=size), "127.0.0.1")

    def test_the_other_half_can_end_first(self) -> None:
        """The service has sent everything and closed its half; data of the client still arrives."""
        inside, outside = self.service("echo"), free_port()
        self.publish(f"{outside}:{inside}")
        with connect(outside) as client:
            for text in (b"one", b"two"):
                client.sendall(text)
                self.assertEqual(client.recv(100), text)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(100), b"")

    def test_addresses_of_both_families(self) -> None:
        inside4, inside6 = self.service("digest"), self.service("digest", address="::1")
        ports = [free_port(), free_port(address="::1"), free_port(), free_port(address="::1")]
        self.publish(
            f"127.0.0.1:{ports[0]}:{inside4}",
            f"[::1]:{ports[1]}:[::1]:{inside6}",
            f"127.0.0.1:{ports[2]}:[::1]:{inside6}",
            f"[::1]:{ports[3]}:127.0.0.1:{inside4}",
        )
        self.check_digest(ports[0])
        self.assertEqual(self.check_digest(ports[1], "::1"), "::1")
        self.assertEqual(self.check_digest(ports[2]), "::1")
        self.check_digest(ports[3], "::1")

    def test_an_address_in_the_namespace(self) -> None:
        """A service that listens on the interface's address alone."""
        outside, inside = free_port(), free_port()
        self.publish(f"{outside}:10.77.0.1:{inside}")
        self.service("digest", inside, "10.77.0.1")
        self.assertEqual(self.check_digest(outside), "10.77.0.1")

    def test_range(self) -> None:
        first = next(port for port in range(20000, 60000, 7) if self.all_free(port, 3))
        self.publish(f"127.0.0.1:{first}-{first + 2}:9000-9002")
        for i in range(3):
            self.service("digest", 9000 + i)
            self.check_digest(first + i)

    @staticmethod
    def all_free(first: int, count: int) -> bool:
        for port in range(first, first + count):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return False
        return True

    def test_nobody_listens(self) -> None:
        outside = free_port()
        wg4 = self.publish(f"{outside}:{free_port()}")
        # The end may come before connect() has told of the beginning.
        with self.assertRaises(ConnectionResetError), connect(outside) as client:
            client.recv(1)
        self.assertIsNone(wg4.process.poll())

    def test_an_abort_stays_an_abort(self) -> None:
        inside, outside = self.service("rude"), free_port()
        self.publish(f"{outside}:{inside}")
        with connect(outside) as client:
            client.sendall(b"hello")
            self.assertEqual(client.recv(100), b"half")
            client.sendall(b"now")
            self.assertRaises(ConnectionResetError, client.recv, 1)

    def test_data_to_a_side_that_has_closed(self) -> None:
        """An error that would end a program by SIGPIPE ends only one connection."""
        inside, outside = self.service("brief"), free_port()
        wg4 = self.publish(f"{outside}:{inside}")
        for _ in range(3):
            with connect(outside) as client, contextlib.suppress(ConnectionError):
                client.sendall(b"hello")
                self.assertEqual(client.recv(1), b"")
                client.sendall(bytes(16 << 20))
        self.assertIsNone(wg4.process.poll())
        connect(outside).close()

    def test_back_pressure(self) -> None:
        """Nobody reads: senders are stopped, nothing spins or grows, and others are served."""
        clients = 300  # more than there are pipes
        stuck, stuck_outside = self.service("stuck"), free_port()
        inside, outside = self.service("digest"), free_port()
        wg4 = self.publish(f"{stuck_outside}:{stuck}", f"{outside}:{inside}")
        self.check_digest(outside)
        forwarder = wg4.part("ports")
        before = int(status_field(forwarder, "VmRSS").split()[0])
        senders = [self.enterContext(connect(stuck_outside)) for _ in range(clients)]
        # Only some try how much is taken: 300 would fill what the host has for all of TCP, which stops others, too.
        for sender in senders[20:]:
            sender.sendall(bytes(1 << 19))
        senders = senders[:20]
        for sender in senders:
            sender.setblocking(False)
        deadline = time.monotonic() + SECONDS
        while writable := select.select([], senders, [], 0.3)[1]:
            self.assertLess(time.monotonic(), deadline, "senders are never stopped")
            for sender in writable:
                sender.send(bytes(1 << 16))
        self.assertTrue(wait_until(lambda: is_idle(forwarder), 5))
        self.check_digest(outside, size=5 << 20)
        if not SANITIZED:
            self.assertLess(int(status_field(forwarder, "VmRSS").split()[0]) - before, 4096)

    def test_many_connections(self) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = min(CONNECTIONS, (hard - 1000) // 2)
        inside, outside = self.service("echo"), free_port()
        wg4 = self.publish(f"{outside}:{inside}")
        began = time.monotonic()
        clients = [self.enterContext(connect(outside)) for _ in range(count)]
        for number, client in enumerate(clients):
            client.sendall(b"%d" % number)
        for number, client in enumerate(clients):
            self.assertEqual(client.recv(100), b"%d" % number)
        took = time.monotonic() - began
        rss = status_field(wg4.part("ports"), "VmRSS")
        print(f"{count} connections at once: {took:.1f} s, RSS {rss}")
        for client in clients:
            client.shutdown(socket.SHUT_WR)
        for client in clients:
            self.assertEqual(client.recv(100), b"")

    def test_descriptors_run_out(self) -> None:
        """With few descriptors, connections wait for others to end; the program goes on."""
        inside, outside = self.service("echo"), free_port()
        self.limit = ("prlimit", "--nofile=256:256")
        wg4 = self.publish(f"{outside}:{inside}")
        clients = [connect(outside) for _ in range(100)]
        for client in clients:
            client.sendall(b"x")
        self.assertTrue(wait_until(lambda: len(select.select(clients, [], [], 0)[0]) > 20, 5))
        served = select.select(clients, [], [], 0)[0]
        self.assertLess(len(served), len(clients))
        for client in served:
            client.close()
        for client in [each for each in clients if each not in served]:  # in their order
            self.assertEqual(client.recv(10), b"x")
            client.close()
        self.assertIn("limit on open files", wg4.log.read_text())


class Udp(ForwardCase):
    def client(self, port: int, address: str = "127.0.0.1") -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        client = self.enterContext(socket.socket(family, socket.SOCK_DGRAM))
        client.settimeout(PATIENCE_S)
        client.connect((address, port))
        return client

    def ask(self, client: socket.socket, text: bytes) -> bytes:
        """The answer's text; the client's address is kept in `self.source`."""
        client.send(text)
        self.source, _, answer = client.recv(70000).partition(b" ")
        return answer

    def test_clients_are_told_apart(self) -> None:
        inside, outside = self.service("udp-echo"), free_port(socket.SOCK_DGRAM)
        self.publish(f"127.0.0.1:{outside}:{inside}/udp")
        clients = [self.client(outside) for _ in range(50)]
        sources = []
        for _ in range(2):
            for number, client in enumerate(clients):
                self.assertEqual(self.ask(client, b"%d" % number), b"%d" % number)
                sources.append(self.source)
        self.assertEqual(len(set(sources)), len(clients), "one port inside for each client")

    def test_sizes(self) -> None:
        inside, outside = self.service("udp-echo"), free_port(socket.SOCK_DGRAM)
        self.publish(f"127.0.0.1:{outside}:{inside}/udp")
        client = self.client(outside)
        for size in (0, 1, 1472, 9000, 65000):
            data = random.Random(size).randbytes(size)
            with self.subTest(size=size):
                self.assertEqual(self.ask(client, data), data)

    def test_a_burst_before_the_first_answer(self) -> None:
        inside, outside = self.service("udp-echo"), free_port(socket.SOCK_DGRAM)
        self.publish(f"127.0.0.1:{outside}:{inside}/udp")
        client = self.client(outside)
        for number in range(8):
            client.send(b"%d" % number)
        answers = [client.recv(100).partition(b" ")[2] for _ in range(8)]
        self.assertEqual(answers, [b"%d" % number for number in range(8)])

    def test_answers_come_from_the_address_that_was_asked(self) -> None:
        inside, outside = self.service("udp-echo"), free_port(socket.SOCK_DGRAM)
        self.publish(f"{outside}:{inside}/udp", f"[::]:{outside}:{inside}/udp")
        for address in ("127.0.0.1", "127.0.0.2", "127.1.2.3", "::1"):
            with self.subTest(address=address):
                self.assertEqual(self.ask(self.client(outside, address), b"x"), b"x")

    def test_service_that_comes_late(self) -> None:
        inside, outside = free_port(), free_port(socket.SOCK_DGRAM)
        self.publish(f"127.0.0.1:{outside}:{inside}/udp")
        client = self.client(outside)
        for _ in range(3):
            client.send(b"nobody hears this")
            time.sleep(0.05)
        self.service("udp-echo", inside)
        self.assertEqual(self.ask(client, b"x"), b"x")


class Api(ForwardCase):
    def setUp(self) -> None:
        super().setUp()
        self.wg4_program = self.publish(api=True)

    def error(self, what: str) -> bytes:
        return b'{"error":{"desc":"bad request: %s"}}' % what.encode()

    def test_add_list_remove(self) -> None:
        tcp, udp = free_port(), free_port(socket.SOCK_DGRAM)
        self.ns.ip(f"address add {GUEST}/32 dev lo")
        self.assertEqual(self.api({"execute": "list_hostfwd"}), b'{"entries":[]}')
        self.assertEqual(self.add(proto="tcp", host_port=tcp, guest_port=80), b'{"return":{"id":1}}')
        added = self.add(
            proto="udp", host_addr="127.0.0.1", host_port=udp, guest_addr="127.0.0.1", guest_port=53
        )
        self.assertEqual(added, b'{"return":{"id":2}}')
        second = (
            b'{"id":2,"proto":"udp","host_addr":"127.0.0.1","host_port":%d,'
            b'"guest_addr":"127.0.0.1","guest_port":53}' % udp
        )
        first = (
            b'{"id":1,"proto":"tcp","host_addr":"0.0.0.0","host_port":%d,'
            b'"guest_addr":"10.0.2.100","guest_port":80}' % tcp
        )
        entries = b'{"entries":[' + first + b"," + second + b"]}"
        self.assertEqual(self.api(b'{"execute":"list_hostfwd"}\n'), entries)

        self.service("echo", 80, GUEST)
        self.service("udp-echo", 53)
        with connect(tcp) as client, socket.socket(type=socket.SOCK_DGRAM) as asker:
            client.sendall(b"one")
            self.assertEqual(client.recv(10), b"one")
            asker.settimeout(PATIENCE_S)
            asker.sendto(b"x", ("127.0.0.1", udp))
            self.assertTrue(asker.recv(10).endswith(b" x"))
            remove = {"execute": "remove_hostfwd", "arguments": {"id": 1}}
            self.assertEqual(self.api(remove), b'{"return":{}}')
            client.sendall(b"two")
            self.assertEqual(client.recv(10), b"two", "what is connected goes on")
        self.assertRaises(ConnectionRefusedError, connect, tcp)
        self.assertEqual(self.api(remove), self.error("remove_hostfwd: bad arguments.id"))
        self.assertEqual(self.api({"execute": "list_hostfwd"}), b'{"entries":[%s]}' % second)
        again = self.add(proto="tcp", host_port=tcp, guest_port=80)
        self.assertEqual(again, b'{"return":{"id":3}}', "numbers are not used again")
        self.ns.ip(f"address del {GUEST}/32 dev lo")

    def test_errors(self) -> None:
        port = free_port()
        for request, what in (
            (b"x", "cannot parse JSON"),
            (b"\n", "cannot parse JSON"),
            (b" " * 4095, "cannot parse JSON"),
            (b" " * 4096, "too large message"),
            (b"[]", "json_object() failed"),
            (b"{}", "no execute found"),
            (b'{"execute":1}', "no execute found"),
            (b'{"execute":"x"}', "unknown execute"),
            (b'{"execute":"add_hostfwd"}', "add_hostfwd: bad arguments.proto"),
            (b'{"execute":"remove_hostfwd"}', "remove_hostfwd: bad arguments.id"),
        ):
            with self.subTest(request=request[:40]):
                self.assertEqual(self.api(request), self.error(what))
        good = {"proto": "tcp", "host_port": port, "guest_port": 80}
        for field, value in (
            ("proto", "sctp"),
            ("host_addr", "localhost"),
            ("host_port", 70000),
            ("host_port", 0),
            ("host_port", "8080"),
            ("guest_addr", "nowhere"),
            ("guest_port", 70000),
            ("guest_port", -1),
        ):
            with self.subTest(field=field, value=value):
                error = self.error(f"add_hostfwd: bad arguments.{field}")
                self.assertEqual(self.add(**good | {field: value}), error)

    def test_a_port_that_is_taken(self) -> None:
        failed = self.error("add_hostfwd: slirp_add_hostfwd failed")
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            self.assertEqual(self.add(proto="tcp", host_port=port, guest_port=80), failed)
        port = free_port(socket.SOCK_DGRAM)
        for reply in (b'{"return":{"id":1}}', failed):
            self.assertEqual(self.add(proto="udp", host_port=port, guest_port=80), reply)
        self.assertIn("Address already in use", self.wg4_program.log.read_text())

    def test_socket_is_this_users_and_goes_with_the_program(self) -> None:
        mode = os.stat(self.api_path).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.wg4_program.stop()
        self.assertFalse(os.path.lexists(self.api_path))

    def test_an_old_path_is_replaced_and_a_newer_one_is_kept(self) -> None:
        self.wg4_program.kill()
        self.assertTrue(wait_until(lambda: not os.path.lexists(self.api_path), 3))
        Path(self.api_path).touch()
        first = self.publish(api=True)
        self.assertEqual(self.api({"execute": "list_hostfwd"}), b'{"entries":[]}')
        os.unlink(self.api_path)
        Path(self.api_path).touch()
        first.stop()
        self.assertTrue(os.path.lexists(self.api_path))

    def quickest_answer(self) -> float:
        """The least of many, since other programs on the machine only add to it."""
        times = []
        for _ in range(20):
            began = time.monotonic()
            self.assertEqual(self.api(b"{}"), self.error("no execute found"))
            times.append(time.monotonic() - began)
        return min(times)

    def test_hostile_clients_block_no_other(self) -> None:
        """Many that say nothing, and many that never read a long answer."""
        for port in range(300):
            self.add(proto="udp", host_addr=f"127.0.1.{port % 250 + 1}", host_port=free_port(), guest_port=80)
        alone = self.quickest_answer()
        hostile = []
        for number in range(200):
            client = self.enterContext(socket.socket(socket.AF_UNIX))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.connect(self.api_path)
            client.setblocking(False)
            if number % 2:
                client.send(b'{"execute":"list_hostfwd"}')
            hostile.append(client)
        self.assertLess(self.quickest_answer(), 20 * alone + 0.01)
        self.assertTrue(wait_until(lambda: is_idle(self.wg4_program.pid), 5))
        for client in hostile:
            client.close()
        self.assertEqual(self.api(b"{}"), self.error("no execute found"))


class Ends(ForwardCase):
    def test_the_serving_process_has_no_rights(self) -> None:
        wg4 = self.publish(f"{free_port()}:80", api=True)
        for pid in (wg4.pid, wg4.part("helper"), wg4.part("ports")):
            self.assert_confined(pid)

    def test_kill_of_the_forwarder(self) -> None:
        """The program ends with it, as it would with itself."""
        port = free_port()
        wg4 = self.publish(f"{port}:80", api=True)
        wg4.kill(wg4.part("ports"))
        wg4.expect_end(1)
        self.assertIn("the process that publishes ports was killed", wg4.log.read_text())
        self.assertRaises(ConnectionRefusedError, connect, port)

    def test_a_signal_for_all_of_its_processes(self) -> None:
        """A terminal's, or a service manager's: it is the program that ends, and the others with it."""
        for number in (signal.SIGINT, signal.SIGTERM):
            wg4 = self.publish(f"{free_port()}:80", api=True)
            helper = wg4.part("helper")
            for entry in descendants(wg4.pid):
                if entry.pid != helper:
                    os.kill(entry.pid, number)
            time.sleep(0.1)
            os.kill(wg4.pid, number)
            wg4.expect_end(0)

    def test_kill_of_the_program(self) -> None:
        port = free_port()
        known = {entry.pid for entry in descendants()}
        for _ in range(5):
            wg4 = Wg4(self.scratch, self.ns, self.config, options=[f"-p{port}:80"])
            wg4.start()
            wg4.wait_ready()
            wg4.kill()
            assert_only(known)
            wg4.assert_no_trace()
            self.assertRaises(ConnectionRefusedError, connect, port)

    def test_kill_of_the_agent(self) -> None:
        """Its ports are closed, connections and the tunnel go on, and the user gets a message."""
        inside, outside = self.service("echo"), free_port()
        wg4 = self.publish(f"{outside}:{inside}", api=True)
        with connect(outside) as client:
            client.sendall(b"one")
            self.assertEqual(client.recv(10), b"one")
            wg4.kill(wg4.part("helper"))
            self.assertTrue(wait_until(lambda: "ports are closed" in wg4.log.read_text(), 3))
            client.sendall(b"two")
            self.assertEqual(client.recv(10), b"two")
        self.assertRaises(ConnectionRefusedError, connect, outside)
        self.assertIn(b"slirp_add_hostfwd failed", self.add(proto="tcp", host_port=outside, guest_port=1))
        self.assertIn("wg0", self.ns.links())
        wg4.stop()

    def test_end_under_load(self) -> None:
        inside, outside = self.service("drain"), free_port()
        known = {entry.pid for entry in descendants()}
        wg4 = self.publish(f"{outside}:{inside}")
        with connect(outside) as client:
            client.setblocking(False)
            deadline = time.monotonic() + 0.3
            while time.monotonic() < deadline:
                select.select([], [client], [], 0.1)
                client.send(bytes(1 << 16))
            wg4.stop()
        assert_only(known)

    def test_the_agent_keeps_no_namespace_alive(self) -> None:
        """The last process of the namespace ends, and the agent is none of them."""
        with Namespace() as target:
            wg4 = Wg4(self.scratch, target, self.config, options=[f"-p{free_port()}:80"])
            wg4.start()
            wg4.wait_ready()
        self.assertEqual(wg4.process.wait(PATIENCE_S), 0, wg4.log.read_text())
        wg4.close_fds()

    def test_bad_options(self) -> None:
        conf = str(self.scratch.file("bad.conf", self.config.for_wg_quick()))
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = other.getsockname()[1]
            for options, said in (
                ((f"-p127.0.0.1:{taken}:80",), "Address already in use"),
                (("-p192.0.2.1:8080:80",), "The host has no such address"),
                (("-p80",), "a port on the host and one in the namespace are needed"),
                (("-p80:81/sctp",), "neither tcp nor udp"),
                (("-a", "/" + "x" * 107), "At most 107"),
                (("-a", "/nonexistent/folder/s"), "Make its folder first"),
            ):
                with self.subTest(options=options):
                    done = subprocess.run(
                        [str(bindir() / "wireguard4netns"), "--config", conf, *options, str(self.ns.pid)],
                        env=program_environment(self.scratch),
                        capture_output=True,
                        text=True,
                        timeout=PATIENCE_S,
                        check=False,
                    )
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertIn(said, done.stderr)
                    self.assertEqual(self.ns.links(), ["lo"])


if __name__ == "__main__":
    harness.main()
