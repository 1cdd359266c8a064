"""`podman run --network slirp4netns`, with our program in slirp4netns' place."""

import harness_path  # isort: skip

import harness
from beyond import Beyond
from fixtures import THEIRS
from podman import IMAGE, Podman

assert harness_path


class Run(harness.TestCase):
    def test_run(self) -> None:
        beyond = Beyond(self)
        podman = self.enterContext(Podman(self.scratch, beyond.configs[0]))
        done = podman.run("run", "--rm", "--network", "slirp4netns", IMAGE, "sh", "-c",
            "ip addr; ip route; ip -6 route; cat /etc/resolv.conf; wget -q -O- http://10.77.0.2/; nslookup target.test; wget -q -O- http://target.test/", check=False)
        print(done.stdout, done.stderr)

if __name__ == "__main__":
    harness.main()
