#!/usr/bin/env bash
# The rate of each peer, and the packets that are dropped: the difference of two scrapes.
#
#   examples/metrics/rates.sh ADDRESS:PORT|unix:PATH [SECONDS]
#   examples/metrics/rates.sh 127.0.0.1:9586 5
set -euo pipefail

(($# >= 1)) || { sed -n 's/^#   /usage: /p' "$0" >&2 && exit 1; }
readonly where=$1 seconds=${2:-2}

scrape() {
	local how=("http://$where/metrics")
	[[ $where != unix:* ]] || how=(--unix-socket "${where#unix:}" http://localhost/metrics)
	curl --silent --show-error --fail --max-time 5 "${how[@]}"
}

before=$(scrape)
sleep "$seconds"
after=$(scrape)
# A series is its name with all of its labels; the value is behind the last blank.
awk -v seconds="$seconds" '
	function label(series, name,    at) {
		at = index(series, "," name "=\"")
		if (!at) return ""
		series = substr(series, at + length(name) + 3)
		return substr(series, 1, match(series, /[^\\]"/))
	}
	/^#/ { next }
	{ value = $NF; series = $0; sub(/ [^ ]*$/, "", series) }
	NR == FNR { old[series] = value; next }
	{ rate = (value - old[series]) / seconds }
	series ~ /^wireguard_(sent|received)_bytes_total/ {
		name = label(series, "friendly_name")
		way = series ~ /^wireguard_sent/ ? "sent to" : "received from"
		printf "%12.0f byte/s %s %s\n", rate, way, name ? name : label(series, "public_key")
	}
	series ~ /^wireguard4netns_dropped_packets_total/ && rate > 0 {
		printf "%12.1f packet/s dropped: %s\n", rate, label(series, "reason")
	}
' <(printf '%s\n' "$before") <(printf '%s\n' "$after")
