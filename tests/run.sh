#!/usr/bin/env bash
# Everything, from nothing: installs what is missing, builds the release and the sanitized programs, runs all tests.
# Made for Debian 12 (bookworm) and 13 (trixie), as root or with sudo.
set -euo pipefail

usage() {
	cat <<'END'
usage: tests/run.sh [--quick] [--label LABEL]

  --quick        the release build only, without the tests that wait for minutes (label "slow")
  --label LABEL  only tests with this label: unit, vectors, sim, fuzz, lint, netns, interop, engines, bench,
                 slow
END
}

# --- What is needed: Debian packages and one user -------------------------------------------------------------------

packages=(
	# to build
	cmake ninja-build g++ pkg-config libcli11-dev libfmt-dev libmnl-dev libpng-dev libseccomp-dev libsodium-dev libssl-dev
	libzxing-dev nlohmann-json3-dev
	# to test and to keep the style
	clang-19 clang-tools-19 libclang-rt-19-dev clang-format-19 clang-tidy-19 doctest-dev mandoc shellcheck
	# to run in namespaces, and to talk to
	curl fish iperf3 iproute2 iputils-ping procps python3 strace sudo systemd tshark util-linux wireguard-go
	wireguard-tools zsh
	# engines
	aardvark-dns busybox-static crun iptables netavark nftables podman podman-compose rootlesskit uidmap
)
if [[ $(dpkg --print-architecture) == amd64 ]]; then packages+=(libipsec-mb-dev); fi
readonly test_user=wg4test # the namespace tests run as this user

say() { printf '\n== %s\n' "$*"; }

install_packages() {
	local package missing=()
	for package in "${packages[@]}"; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
	done
	((${#missing[@]})) || return 0
	say "installing ${missing[*]}"
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
}

prepare_machine() {
	id "$test_user" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "$test_user"
	grep -q "^$test_user:" /etc/subuid || usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "$test_user"
	# What udev does on a usual host: the device node, open to everyone.
	mkdir -p /dev/net
	[[ -c /dev/net/tun ]] || mknod /dev/net/tun c 10 200
	chmod 0666 /dev/net/tun
}

# --- Build and test -------------------------------------------------------------------------------------------------

# Each step's name and seconds, and the steps that failed, for the summary.
steps=()
failed=()

# step NAME COMMAND...: a failure of it is told at the end; the steps after it go on.
step() {
	local name=$1 start=$SECONDS
	shift
	say "$name"
	"$@" || failed+=("$name")
	steps+=("$((SECONDS - start)) s  $name")
}

# build PRESET [cmake --build arguments...]: ends the run where it fails, for nothing can be tested then.
build() {
	local preset=$1 launcher=()
	shift
	if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
	cmake --preset "$preset" -DBUILD_TESTING=ON -DWG4_WERROR=ON "${launcher[@]}" || exit
	cmake --build --preset "$preset" "$@" || exit
}

# run_tests PRESET [ctest arguments...]: more at once than there are processors, for most of them wait.
run_tests() {
	local preset=$1
	shift
	ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --parallel "$((2 * $(nproc) + 2))" "$@"
}

# What tests said that they could not look at, and why.
skips() {
	sed -n 's/^skipped: /  /p' build/*/Testing/Temporary/LastTest.log 2>/dev/null | sort | uniq -c
}

summary() {
	say "$SECONDS s in all"
	printf '%s\n' "${steps[@]}"
	local skipped
	skipped=$(skips)
	[[ -z $skipped ]] || printf 'skipped, for the sake of the machine (times, test, reason):\n%s\n' "$skipped"
	if ((${#failed[@]})); then
		printf 'FAILED: %s\n' "${failed[*]}"
		return 1
	fi
	printf 'all green\n'
}

quick=no
label=
while (($#)); do
	case $1 in
		--quick) quick=yes ;;
		--label) label=${2:?--label needs a name} && shift ;;
		--help | -h) usage && exit 0 ;;
		*) usage >&2 && exit 1 ;;
	esac
	shift
done

if ((EUID != 0)); then
	printf 'tests/run.sh installs packages and makes a user: it needs root, asking sudo\n'
	arguments=()
	[[ $quick == no ]] || arguments+=(--quick)
	[[ -z $label ]] || arguments+=(--label "$label")
	exec sudo -- "$0" "${arguments[@]}"
fi

cd "$(dirname "$0")/.."
filter=()
[[ -z $label ]] || filter+=(--label-regex "^$label\$")
[[ $quick == no ]] || filter+=(--label-exclude '^slow$')
# Lint looks at sources, not at a build, the slow ones wait for real time, and engines look at the whole from outside:
# once is enough for these.
once='^(bench|engines|lint|slow)$'
sanitized=yes
if [[ $quick == yes || $label =~ $once ]]; then sanitized=no; fi

step 'installing packages' install_packages
prepare_machine
step 'building: release' build release
[[ $sanitized == no ]] || step 'building: asan' build asan
# Threads are the programs' alone: what loads them, with the thread sanitizer watching.
[[ $sanitized == no || -n $label ]] || step 'building: tsan' build tsan --target wireguard4netns wg4netns-helper

if [[ $quick == no && -z $label ]] && ! grep -qx 'VERSION_CODENAME=trixie' /etc/os-release; then
	step 'building and testing: Debian 13' tests/platforms/debian13.sh
fi
step 'testing: release' run_tests release "${filter[@]}"
[[ $sanitized == no ]] || step 'testing: asan' run_tests asan "${filter[@]}" --label-exclude "$once"
if [[ $sanitized == yes && -z $label ]]; then
	export TSAN_OPTIONS=exitcode=66
	WG4_OPTIONS=--threads=3 \
		step 'testing: tsan, three threads' run_tests tsan --tests-regex '^(netns\.tunnel|interop\.basics)'
	step 'testing: tsan' run_tests tsan --tests-regex '^netns\.data_path'
fi
summary
