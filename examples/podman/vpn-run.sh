#!/usr/bin/env bash
# A rootless container whose only network is a WireGuard tunnel.
#
#   examples/podman/vpn-run.sh CONF [PODMAN RUN OPTIONS] IMAGE [COMMAND]
#   examples/podman/vpn-run.sh vpn.conf --rm -p 8080:80 docker.io/library/nginx
#
# CONF is a wg-quick file. The program is looked for in PATH, then in build/release/bin; WIREGUARD4NETNS names another.
set -euo pipefail

(($# >= 2)) || { sed -n 's/^#   /usage: /p' "$0" >&2 && exit 1; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=${WIREGUARD4NETNS:-$(command -v wireguard4netns || echo "$root/build/release/bin/wireguard4netns")}
[[ -x $program ]] || { echo "vpn-run: no program at $program: build it with examples/quickstart.sh" >&2 && exit 1; }

# Podman passes no options of ours, but the environment it does.
WIREGUARD4NETNS_CONFIG=$(realpath "$1")
export WIREGUARD4NETNS_CONFIG
exec podman --network-cmd-path "$program" run --network slirp4netns "${@:2}"
