#!/usr/bin/env bash
# A rootless container that gets a WireGuard tunnel from an OCI hook, and no other network.
#
#   examples/oci-hook/vpn-container.sh CONF [PODMAN RUN OPTIONS] IMAGE [COMMAND]
#   examples/oci-hook/vpn-container.sh vpn.conf --rm docker.io/library/alpine wget -qO- https://ifconfig.me
#
# CONF is a wg-quick file. The program is looked for in PATH, then in build/release/bin; WIREGUARD4NETNS names another.
set -euo pipefail

(($# >= 2)) || { sed -n 's/^#   /usage: /p' "$0" >&2 && exit 1; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=${WIREGUARD4NETNS:-$(command -v wireguard4netns || echo "$root/build/release/bin/wireguard4netns")}
[[ -x $program ]] || { echo "$0: no program at $program: build it with examples/quickstart.sh" >&2 && exit 1; }

# The hook's file as it would be installed, with the program where it is, and allowed to be told a file by annotation.
hooks=$(mktemp -d)
trap 'rm -rf "$hooks"' EXIT
sed -e "s|/usr/bin/wireguard4netns|$program|" \
	-e 's|"createRuntime"\],|"createRuntime", "--allow-annotations=config"],|' \
	"$root/examples/podman/hooks.d/wireguard4netns.json" >"$hooks/vpn.json"

podman --hooks-dir "$hooks" run --network none \
	--annotation "io.wireguard4netns.config=$(realpath "$1")" "${@:2}"
