#!/bin/sh
# Runs every fuzz test of both modules for the given time. What breaks a test is
# written under its testdata/fuzz: commit it with the fix.
set -eu
cd "$(dirname "$0")/.."
time=${1:-20s}

for package in $(go list ./... ./sdk/...); do
	for name in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $name"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$package"
	done
done
