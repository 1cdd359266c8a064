#!/usr/bin/env bash
# A command in a RootlessKit whose only network is a WireGuard tunnel. Port 8080 of the host reaches port 80 inside.
#
#   examples/rootlesskit/vpn-shell.sh CONF [COMMAND...]
#   examples/rootlesskit/vpn-shell.sh vpn.conf bash
#
# CONF is a wg-quick file. The program is looked for in PATH, then in build/release/bin; WIREGUARD4NETNS names another.
# PUBLISH is another port to publish, as in 127.0.0.1:8080:80/tcp.
set -euo pipefail

(($# >= 1)) || { sed -n 's/^#   /usage: /p' "$0" >&2 && exit 1; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=${WIREGUARD4NETNS:-$(command -v wireguard4netns || echo "$root/build/release/bin/wireguard4netns")}
[[ -x $program ]] || { echo "vpn-shell: no program at $program: build it with examples/quickstart.sh" >&2 && exit 1; }

WIREGUARD4NETNS_CONFIG=$(realpath "$1")
export WIREGUARD4NETNS_CONFIG
command=("${@:2}")
exec rootlesskit --net=slirp4netns --slirp4netns-binary="$program" --copy-up=/etc --disable-host-loopback \
	--port-driver=builtin --publish "${PUBLISH:-127.0.0.1:8080:80/tcp}" "${command[@]:-bash}"
