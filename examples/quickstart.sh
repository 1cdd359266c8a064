#!/usr/bin/env bash
# WireGuard between two rootless network namespaces on this machine, with wireguard4netns at both ends.
#
#   examples/quickstart.sh                     installs what it needs (Debian), builds, shows it
#   examples/quickstart.sh --no-build [BINDIR] shows it with the programs in BINDIR (build/release/bin)
#
# Root is needed for packages and the mode of /dev/net/tun alone, and only where something is missing. The
# demonstration runs as you; when you are root, as "nobody".
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
if [[ ! -t 1 || -n ${NO_COLOR:-} ]]; then step() { printf '\n%s\n' "$*"; }; fi
note() { printf '   %s\n' "$*"; }
die() { printf 'quickstart: %s\n' "$*" >&2 && exit 1; }
as_root() { if ((EUID == 0)); then "$@"; else sudo -- "$@"; fi; }

# --- Preparation: packages, the TUN device, the build ---------------------------------------------------------------

build_packages=(
	cmake ninja-build g++ pkg-config
	libcli11-dev libfmt-dev libmnl-dev libseccomp-dev libsodium-dev libssl-dev nlohmann-json3-dev
)
build_packages+=(libpng-dev libzxing-dev)                                                   # optional, for QR codes
if [[ $(dpkg --print-architecture) == amd64 ]]; then build_packages+=(libipsec-mb-dev); fi # optional, for speed
run_packages=(iproute2 iputils-ping python3 util-linux)

install_packages() {
	local package missing=()
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
	done
	((${#missing[@]})) || return 0
	note "installing: ${missing[*]}"
	as_root apt-get update -q >/dev/null
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}" >/dev/null
}

open_tun_device() {
	[[ -r /dev/net/tun && -w /dev/net/tun && $(stat -c %a /dev/net/tun) == 666 ]] && return
	note "opening /dev/net/tun to everyone, as udev does on most machines"
	as_root mkdir -p /dev/net
	[[ -c /dev/net/tun ]] || as_root mknod /dev/net/tun c 10 200
	as_root chmod 0666 /dev/net/tun
}

build() {
	local launcher=()
	if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
	(cd "$root" && cmake --preset release -DBUILD_TESTING=OFF "${launcher[@]}" >/dev/null)
	cmake --build "$root/build/release" --target wireguard4netns wg4netns-helper
}

# --- The demonstration, as an ordinary user -------------------------------------------------------------------------

# The same script again as an unprivileged user, with copies of files that another user could not read here.
demonstrate_as_user() {
	local user=${SUDO_USER:-nobody} copy status=0
	[[ $user != root ]] || user=nobody
	copy=$(mktemp -d)
	chmod 0755 "$copy"
	cp "$bindir/wireguard4netns" "$bindir/wg4netns-helper" "${BASH_SOURCE[0]}" "$copy"
	(cd / && setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups --inh-caps=-all \
		bash "$copy/quickstart.sh" --no-build "$copy") || status=$?
	rm -rf "$copy"
	return "$status"
}

# enter PID COMMAND...: becomes the command in that namespace; for the background, so that $! is the command itself.
enter() { exec nsenter --target "$1" --user --net --preserve-credentials "${@:2}"; }
inside() { (enter "$@"); }

# A user and a network namespace of its own, held by a sleeping process; its pid goes to $REPLY.
make_namespace() {
	unshare --user --map-root-user --net sleep infinity &
	REPLY=$!
	pids+=("$REPLY")
	until [[ $(cat "/proc/$REPLY/comm") == sleep ]]; do sleep 0.005; done
}

# attach PID NAME: starts wireguard4netns with NAME.conf on the namespace of process PID, and waits for its word.
attach() {
	local said=
	mkfifo "$scratch/ready-$2"
	"$bindir/wireguard4netns" --log-level debug --ready-fd 3 "$1" wg0 "$scratch/$2.conf" \
		3>"$scratch/ready-$2" 2>"$scratch/$2.log" &
	pids+=("$!")
	read -r -n 1 said <"$scratch/ready-$2" || true
	[[ $said == 1 ]] || die "$(cat "$scratch/$2.log")"
}

clean_up() {
	# The tunnels first, then the namespaces that they serve.
	local index
	for ((index = ${#pids[@]} - 1; index >= 0; index--)); do kill "${pids[index]}" 2>/dev/null || true; done
	wait
	rm -rf "$scratch"
}

free_udp_port() {
	python3 -c 'import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("", 0)); print(s.getsockname()[1])'
}

write_configs() {
	local alice_key bob_key psk port
	alice_key=$("$bindir/wireguard4netns" genkey)
	bob_key=$("$bindir/wireguard4netns" genkey)
	psk=$("$bindir/wireguard4netns" genpsk)
	port=$(free_udp_port)
	cat >"$scratch/alice.conf" <<END
[Interface]
PrivateKey = $alice_key
Address = 10.99.0.1/24, fd99::1/64
ListenPort = $port

[Peer]
PublicKey = $("$bindir/wireguard4netns" pubkey <<<"$bob_key")
PresharedKey = $psk
AllowedIPs = 10.99.0.2/32, fd99::2/128
END
	cat >"$scratch/bob.conf" <<END
[Interface]
PrivateKey = $bob_key
Address = 10.99.0.2/24, fd99::2/64

[Peer]
PublicKey = $("$bindir/wireguard4netns" pubkey <<<"$alice_key")
PresharedKey = $psk
AllowedIPs = 10.99.0.1/32, fd99::1/128
Endpoint = 127.0.0.1:$port
END
}

serve_page() {
	mkdir "$scratch/www"
	printf 'Hello through the tunnel.\n' >"$scratch/www/index.html"
	enter "$1" python3 -m http.server --bind 10.99.0.1 --directory "$scratch/www" 80 >/dev/null 2>&1 &
	pids+=("$!")
}

fetch_page() {
	inside "$1" python3 - <<'END'
import sys, time, urllib.request
for _ in range(100):  # the server needs a moment to start
    try:
        sys.exit(print("  ", urllib.request.urlopen("http://10.99.0.1/", timeout=5).read().decode().strip()))
    except ConnectionRefusedError:
        time.sleep(0.02)
    except OSError as error:
        if "refused" not in str(error):
            raise
        time.sleep(0.02)
sys.exit("no answer from http://10.99.0.1/")
END
}

# One TCP stream for a second and a half.
measure() {
	enter "$1" python3 -c '
import socket
with socket.create_server(("10.99.0.1", 5001)) as server:
    stream, _ = server.accept()
    buffer = bytearray(1 << 20)
    while stream.recv_into(buffer): pass
    stream.send(b"e")' &
	pids+=("$!")
	inside "$2" python3 - <<'END'
import socket, time
for _ in range(100):
    try:
        stream = socket.create_connection(("10.99.0.1", 5001), timeout=5)
        break
    except ConnectionRefusedError:
        time.sleep(0.02)
chunk, sent, began = bytes(1 << 20), 0, time.monotonic()
while time.monotonic() < began + 1.5:
    stream.sendall(chunk)
    sent += len(chunk)
stream.shutdown(socket.SHUT_WR)
stream.recv(1)  # everything has arrived
rate = sent * 8 / (time.monotonic() - began)
print(f"   {rate / 1e9:.2f} Gbit/s" if rate >= 1e9 else f"   {rate / 1e6:.0f} Mbit/s", "in one TCP stream")
END
}

demonstrate() {
	umask 077
	scratch=$(mktemp -d)
	pids=()
	trap clean_up EXIT
	trap 'exit 130' INT TERM

	step "1. Two network namespaces, as user $(id -un), without root"
	make_namespace && local alice=$REPLY
	make_namespace && local bob=$REPLY
	note "alice is the network of process $alice, bob that of process $bob"

	step "2. Keys and two wg-quick files (wireguard4netns genkey, pubkey, genpsk)"
	write_configs
	grep --invert-match --extended-regexp '^(PrivateKey|PresharedKey)' "$scratch/bob.conf" | sed 's/^/   /'

	step "3. One wireguard4netns for each: keys and UDP stay out here, wg0 appears in there"
	attach "$alice" alice
	attach "$bob" bob
	inside "$bob" ip -brief address show dev wg0 | sed 's/^/   /'

	step "4. alice serves a page, bob fetches it: http://10.99.0.1/"
	serve_page "$alice"
	fetch_page "$bob"

	step "5. The handshake that this took"
	grep --ignore-case --max-count 2 handshake "$scratch/bob.log" | sed 's/^/   /'
	inside "$bob" ping -n -q -c 20 -i 0.01 fd99::1 | tail -n 1 | sed 's/^/   /'

	step "6. Throughput"
	measure "$alice" "$bob"

	step "Done. Nothing of it remains: no device, no route, no process, no file."
}

# --- Main -----------------------------------------------------------------------------------------------------------

bindir=$root/build/release/bin
case ${1:-} in
	"")
		step "Preparing: packages, /dev/net/tun, build"
		install_packages "${build_packages[@]}" "${run_packages[@]}"
		open_tun_device
		build
		;;
	--no-build) bindir=${2:-$bindir} ;;
	*) die "usage: examples/quickstart.sh [--no-build [BINDIR]]" ;;
esac
[[ -x $bindir/wireguard4netns ]] || die "no wireguard4netns in $bindir: run it without --no-build first"
if ((EUID == 0)); then demonstrate_as_user; else demonstrate; fi
