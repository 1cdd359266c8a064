# shellcheck shell=sh disable=SC2034,SC2154
# A driver for wgbench, which compares userspace WireGuard programs from outside: the UDP socket in the namespace UL_NS,
# the TUN in TUN_NS. EXE is the path of wireguard4netns.

start_iface() {
	sed "/^\[Interface\]/a Address = $TUN_ADDR/24\nMTU = $MTU\nTable = off" "$CONF" >"$STATE/quick.conf"
	# shellcheck disable=SC2086 # options, one a word
	spawn "$UL_NS" "$EXE" ${ARGS:-} --netns-type=path --config "$STATE/quick.conf" "/var/run/netns/$TUN_NS" "$IFNAME"
	wait_for 5 sh -c "ip -n $TUN_NS addr show dev $IFNAME | grep -q inet"
}
