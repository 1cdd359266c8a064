#!/usr/bin/env bash
# A Debian 13 (trixie) to build and test in, on a machine with any Debian: made by debootstrap from the
# archive that this machine has its packages from, and kept in a cache, under a name made of its list of packages.
set -euo pipefail

usage() {
	cat <<'END'
usage: tests/platforms/root.sh [--cache FOLDER | --no-cache] COMMAND [ARGUMENT...]

Runs COMMAND in there as root, in /project, which is this project (read-only). /build stays with the root.

  --cache FOLDER  where roots are kept (default: $XDG_CACHE_HOME/wireguard4netns, or ~/.cache/wireguard4netns)
  --no-cache      makes one anew, and removes it afterwards
END
}

suite=trixie
packages=(
	cmake ninja-build g++ pkg-config libcli11-dev libfmt-dev libmnl-dev libpng-dev libseccomp-dev libsodium-dev libssl-dev
	libzxing-dev nlohmann-json3-dev
	ccache doctest-dev iproute2 python3 util-linux
)
if [[ $(dpkg --print-architecture) == amd64 ]]; then packages+=(libipsec-mb-dev); fi
# For the other architecture: a cross compiler, its libraries, and an emulator.
foreign=arm64
packages+=(
	g++-aarch64-linux-gnu qemu-user
	libc6-dev:arm64 libfmt-dev:arm64 libmnl-dev:arm64 libseccomp-dev:arm64 libsodium-dev:arm64 libssl-dev:arm64
)

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly project

die() { printf 'tests/platforms/root.sh: %s\n' "$*" >&2 && exit 1; }

# --- Making it ------------------------------------------------------------------------------------------------------

# The archive that this machine's own packages come from.
mirror() {
	local codename
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk -v suite="$codename" '$1 == suite && !found++ { print $2 }'
}

# How this machine reaches it: proxies, certificates and the like.
apt_settings() { apt-config dump | grep -E '^Acquire::(http|https|ftp|Check-|Retries|ForceIPv)' || true; }

install_debootstrap() {
	! command -v debootstrap >/dev/null || return 0
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends debootstrap
}

# debootstrap downloads by itself, and asks the environment.
use_proxy_of_apt() {
	local proxy=
	eval "$(apt-config shell proxy Acquire::http::Proxy)"
	[[ -z $proxy || $proxy == DIRECT ]] || export http_proxy=$proxy https_proxy=$proxy
}

make_root() {
	local root=$1 uri
	uri=$(mirror)
	[[ -n $uri ]] || die "this machine's apt knows no Debian archive: see /etc/apt/sources.list"
	install_debootstrap
	use_proxy_of_apt
	printf '== making a root of %s from %s\n' "$suite" "$uri"
	rm -rf "$root"
	mkdir -p "$root/etc/apt/apt.conf.d" "$root/etc/dpkg/dpkg.cfg.d" "$root/etc/ssl/certs"
	# A root that can be made again need not survive a loss of power.
	printf 'force-unsafe-io\n' >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
	printf 'path-exclude=%s\n' '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/locale/*' \
		>"$root/etc/dpkg/dpkg.cfg.d/no-docs"
	{ apt_settings && printf 'Acquire::Languages "none";\n'; } >"$root/etc/apt/apt.conf.d/90machine"
	[[ ! -e /etc/ssl/certs/ca-certificates.crt ]] ||
		cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
	debootstrap --variant=minbase "$suite" "$root" "$uri" >"$root.log" 2>&1 || {
		tail -n 20 "$root.log" >&2
		die "debootstrap $suite $uri did not work: does that archive have $suite?"
	}
	# shellcheck disable=SC2016 # that shell's own arguments
	in_root "$root" sh -ec '
		dpkg --add-architecture "$1" && shift
		apt-get update -q
		DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
		apt-get clean' sh "$foreign" "${packages[@]}" >>"$root.log" 2>&1 || {
		tail -n 20 "$root.log" >&2
		die "installing packages in the root did not work"
	}
}

# --- Being in it ----------------------------------------------------------------------------------------------------

# Not chroot, in which no user namespace can be made. All mounts are in a mount namespace that ends with the command.
in_root() {
	# shellcheck disable=SC2016 # that shell's own arguments
	unshare --mount bash -c '
		set -eu
		root=$1 project=$2 && shift 2
		mount --make-rprivate /
		mount --bind "$root" "$root"
		mkdir -p "$root/project" "$root/build"
		mount --bind "$project" "$root/project"
		mount -o remount,bind,ro "$root/project"
		mount --rbind /dev "$root/dev"
		mount --rbind /sys "$root/sys"
		mount -t proc proc "$root/proc"
		mount -t tmpfs -o mode=1777 tmp "$root/tmp"
		cp /etc/resolv.conf "$root/etc/"
		cd "$root"
		pivot_root . mnt
		umount --lazy /mnt
		cd /project
		export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/tmp
		export CCACHE_DIR=/var/cache/ccache
		exec "$@"' bash "$1" "$project" "${@:2}"
}

# --- Main -----------------------------------------------------------------------------------------------------------

cache=${XDG_CACHE_HOME:-$HOME/.cache}/wireguard4netns
while [[ ${1:-} == -* ]]; do
	case $1 in
		--cache) cache=${2:?--cache needs a folder} && shift ;;
		--no-cache) cache= ;;
		--help | -h) usage && exit 0 ;;
		*) usage >&2 && exit 1 ;;
	esac
	shift
done
(($#)) || { usage >&2 && exit 1; }
((EUID == 0)) || die "only root can make a root: sudo tests/platforms/root.sh ..."

if [[ -z $cache ]]; then
	scratch=$(mktemp -d)
	trap 'rm -rf --one-file-system "$scratch"' EXIT
	root=$scratch/root
	make_root "$root"
else
	mkdir -p "$cache"
	root=$cache/$suite-$(printf '%s\n' "$suite" "$foreign" "${packages[@]}" | sha256sum | head -c 12)
	exec 9>"$root.lock"
	flock 9 # a second run waits here, and finds it made
	if [[ ! -e $root.made ]]; then
		make_root "$root"
		touch "$root.made"
	fi
	exec 9>&-
fi
in_root "$root" "$@"
