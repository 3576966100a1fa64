#!/bin/sh
# Brings a Debian machine to where `make test` works: says what is missing,
# installs what Debian has, and fetches the modules of Go and npm. It shows every
# command that changes the system.
#
#   scripts/setup-debian.sh          install what is missing
#   scripts/setup-debian.sh demo     only what `make demo` needs
#   scripts/setup-debian.sh vm       only what `make test-vm` needs
#   scripts/setup-debian.sh --check  only say what is missing
set -eu
cd "$(dirname "$0")/.."

check=no
page=yes
tests=yes
vm=no
case "${1:-}" in
--check) check=yes ;;
demo) tests=no ;;
vm) page=no tests=no vm=yes ;;
esac

missing=   # Debian packages to install
trouble=no # something that this script cannot install

say() { printf 'setup: %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }

# postgresql: whether there is a PostgreSQL server to start; Debian keeps it off
# the PATH.
postgresql() {
	have initdb && return
	for program in /usr/lib/postgresql/*/bin/initdb; do
		[ -x "$program" ] && return
	done
	return 1
}

# at_least HAVE WANT: whether version HAVE is WANT or newer.
at_least() {
	[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

have git || missing="$missing git"
have make || missing="$missing make"

want=$(awk '$1 == "go" { print $2 }' go.mod)
if ! have go; then
	say "Go $want or newer is missing; Debian's is older: get it from the Go project"
	trouble=yes
elif version=$(GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//') && ! at_least "$version" "$want"; then
	say "Go is $version, but $want or newer is needed"
	trouble=yes
fi

want=20.19
if [ $page = no ]; then
	: # nothing of it is built
elif ! have node || ! have npm; then
	say "Node.js $want or newer with npm is missing: get it from the Node.js project"
	trouble=yes
elif version=$(node --version | sed 's/^v//') && ! at_least "$version" "$want"; then
	say "Node.js is $version, but $want or newer is needed"
	trouble=yes
fi

# Python plugins, and the tests of their SDK.
if ! have python3; then
	missing="$missing python3"
elif ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
	say "python3 is $(python3 -c 'import platform; print(platform.python_version())'), but 3.9 or newer is needed"
	trouble=yes
fi

if [ $tests = yes ]; then
	# The race detector links with the C compiler's help.
	have gcc || have clang || missing="$missing gcc libc6-dev"
	# The tests of the page.
	[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing="$missing chromium"
	# The tests of the PostgreSQL store start a server of their own.
	postgresql || missing="$missing postgresql"
	# The tests of installing agents start one of their own, as whoever runs them.
	[ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
fi

if [ $vm = yes ]; then
	have cpio || missing="$missing cpio"
	[ -x /usr/sbin/depmod ] || have depmod || missing="$missing kmod"
	have qemu-system-x86_64 || missing="$missing qemu-system-x86"
fi

[ $trouble = no ] || exit 1
if [ -n "$missing" ]; then
	if [ $check = yes ]; then
		say "missing:$missing"
		exit 1
	fi
	if ! have apt-get; then
		say "missing:$missing; install them with this system's own means"
		exit 1
	fi
	sudo=
	if [ "$(id -u)" != 0 ]; then
		have sudo || {
			say "missing:$missing; run as root: apt-get install -y --no-install-recommends$missing"
			exit 1
		}
		sudo=sudo
	fi
	set -x
	$sudo apt-get update -q
	case " $missing " in
	*" postgresql "*)
		# The tests need its programs only: let the package make no cluster that
		# runs from now on.
		DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends postgresql-common
		$sudo sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
		;;
	esac
	case " $missing " in
	*" openssh-server "*)
		# The same here: nothing that listens from now on. Whoever wants it to:
		# systemctl unmask ssh.service ssh.socket.
		[ ! -d /etc/systemd/system ] || $sudo ln -sf /dev/null /etc/systemd/system/ssh.service
		[ ! -d /etc/systemd/system ] || $sudo ln -sf /dev/null /etc/systemd/system/ssh.socket
		;;
	esac
	# shellcheck disable=SC2086 # a list of words
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends $missing
	{ set +x; } 2>/dev/null
fi
[ $check = no ] || exit 0

say "Go modules"
# What is compiled, and not all that its modules could ask for: that is twice as much.
go list -deps $([ $tests = no ] || echo -test) ./... ./sdk/... >/dev/null
(cd sdk && go mod download)
[ $page = yes ] || exit 0
say "npm packages"
make --no-print-directory web/node_modules/.package-lock.json
