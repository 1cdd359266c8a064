#!/usr/bin/env bash
# Commands in a tunnel of their own, without root: a peer in a network namespace of its own serves a page and names, and
# the commands reach both through the tunnel alone. Usage: examples/run/demo.sh [BINDIR]
set -euo pipefail

bindir=${1:-$(dirname "${BASH_SOURCE[0]}")/../../build/release/bin}
bindir=$(realpath "$bindir")
PATH=$bindir:$PATH
step() { printf '\n%s\n' "$1"; }

umask 077
scratch=$(mktemp -d /tmp/wg4-run-XXXXXX)
export XDG_RUNTIME_DIR=$scratch XDG_CONFIG_HOME=$scratch # so that nothing of it meets tunnels or profiles of yours
pids=()
clean_up() {
	wireguard4netns down --force bob >/dev/null 2>&1 || true
	local index
	for ((index = ${#pids[@]} - 1; index >= 0; index--)); do kill "${pids[index]}" 2>/dev/null || true; done
	wait
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# --- The peer, which usually is a provider's server, or your router -------------------------------------------------

free_port='import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("", 0)); print(s.getsockname()[1])'
port=$(python3 -c "$free_port")
alice_key=$(wireguard4netns genkey)
bob_key=$(wireguard4netns genkey)
cat >"$scratch/alice.conf" <<END
[Interface]
PrivateKey = $alice_key
Address = 10.98.0.1/24
ListenPort = $port
[Peer]
PublicKey = $(wireguard4netns pubkey <<<"$bob_key")
AllowedIPs = 10.98.0.2/32
END
cat >"$scratch/bob.conf" <<END
[Interface]
PrivateKey = $bob_key
Address = 10.98.0.2/24
DNS = 10.98.0.1
[Peer]
PublicKey = $(wireguard4netns pubkey <<<"$alice_key")
AllowedIPs = 0.0.0.0/0
Endpoint = 127.0.0.1:$port
END

cat >"$scratch/serve.py" <<'END'
# A page, and a DNS server for which every name is this host.
import http.server, socket, struct, threading

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = f"Hello {self.client_address[0]}, this is {self.headers['Host']}.\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass

def answer_names(server):
    while True:
        query, client = server.recvfrom(512)
        end = query.index(0, 12) + 5
        is_a = query[end - 3] == 1
        reply = query[:2] + struct.pack("!5H", 0x8180, 1, is_a, 0, 0) + query[12:end]
        if is_a:
            reply += struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton("10.98.0.1")
        server.sendto(reply, client)

names = socket.socket(type=socket.SOCK_DGRAM)
names.bind(("10.98.0.1", 53))
page = http.server.ThreadingHTTPServer(("10.98.0.1", 80), Page)
threading.Thread(target=answer_names, args=(names,), daemon=True).start()
print("ready", flush=True)
page.serve_forever()
END

unshare --user --map-root-user --net sleep infinity &
alice=$!
pids+=("$alice")
until [[ $(cat "/proc/$alice/comm") == sleep ]]; do sleep 0.005; done
mkfifo "$scratch/ready" "$scratch/serves"
wireguard4netns --control off --ready-fd 3 "$alice" wg0 "$scratch/alice.conf" 3>"$scratch/ready" &
pids+=("$!")
read -r -n 1 _ <"$scratch/ready"
nsenter --target "$alice" --user --net --preserve-credentials python3 "$scratch/serve.py" >"$scratch/serves" &
pids+=("$!")
read -r _ <"$scratch/serves"

# --- The commands -----------------------------------------------------------------------------------------------------

cd / # a folder that the commands can enter, too
step '$ wireguard4netns run bob.conf -- curl page.example'
wireguard4netns run "$scratch/bob.conf" -- curl --silent --show-error page.example

step '$ wireguard4netns run bob.conf -- ip -brief address     # all of its network'
wireguard4netns run "$scratch/bob.conf" -- ip -brief address

step '$ wireguard4netns up bob.conf                           # a tunnel that stays'
wireguard4netns up "$scratch/bob.conf"
wireguard4netns exec bob -- sleep infinity &
pids+=("$!")
wireguard4netns exec bob -- curl --silent --show-error other.example
until wireguard4netns ps | grep -q sleep; do sleep 0.02; done

step '$ wireguard4netns ps'
wireguard4netns ps

step '$ wireguard4netns down --force bob                      # ends what runs in it, too'
wireguard4netns down --force bob
[[ -z $(wireguard4netns ps) ]]

step 'Done. Nothing of it remains: no device, no route, no process, no file.'
