# shellcheck shell=bash
# What the disks of the qemu lane are called. The script that attaches them and the
# guest that looks for them both read this.

roles=(data ora cold mirror1 mirror2 lone parts raid1 raid2 raid3 raid4 spare crypt jbod)
number() {
	local i
	for i in "${!roles[@]}"; do [ "${roles[$i]}" != "$1" ] || echo "$i"; done
}
serial() { printf 'FLSER%04d' "$(number "$1")"; }

# naa ROLE [PORT]: the name of the disk, or of one of its ports.
naa() { printf '5000c500f%s000%02x' "${2:+a}${2:-00}" "$(number "$1")"; }
