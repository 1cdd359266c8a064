#!/usr/bin/env bash
# A container of rootless Podman on a network of its own whose driver is this program.
#
#   examples/netavark/vpn-network.sh CONF [PODMAN RUN OPTIONS] IMAGE [COMMAND]
#   examples/netavark/vpn-network.sh vpn.conf --rm docker.io/library/alpine wget -qO- https://ifconfig.me
#
# CONF is a wg-quick file. The program is looked for in PATH, then in build/release/bin; WIREGUARD4NETNS names another.
# Podman must be 4.5 or later, netavark 1.6 or later.
set -euo pipefail

(($# >= 2)) || { sed -n 's/^#   /usage: /p' "$0" >&2 && exit 1; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=${WIREGUARD4NETNS:-$(command -v wireguard4netns || echo "$root/build/release/bin/wireguard4netns")}
[[ -x $program ]] || { echo "$0: no program at $program: build it with examples/quickstart.sh" >&2 && exit 1; }
network=vpn-$$

# The plugin's folder and Podman's file as they would be installed, for this time only.
folder=$(mktemp -d)
trap 'podman network rm --force "$network" >/dev/null || true; rm -rf "$folder"' EXIT
ln -s "$(realpath "$program")" "$folder/wireguard"
printf '[network]\nnetavark_plugin_dirs = ["%s"]\n' "$folder" >"$folder/containers.conf"
export CONTAINERS_CONF_OVERRIDE=$folder/containers.conf

podman network create --driver wireguard --opt "config=$(realpath "$1")" "$network" >/dev/null
podman run --network "$network" "${@:2}"
