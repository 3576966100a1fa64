#!/bin/sh
# Fails if generated code or the module files are not what the sources give. It
# leaves the fresh code in place.
set -eu
cd "$(dirname "$0")/.."

generated="internal/api/gen protocol/schema sdk/wire/rules_gen.go python/faultline_sdk/rules.py web/src/api/schema.ts *.md"

# The patterns are for git, not for the shell.
set -f

sums() {
	git ls-files -z -co --exclude-standard -- $generated |
		sort -z | xargs -0 sha256sum
}

before=$(sums)
make --no-print-directory generate
after=$(sums)
if [ "$before" != "$after" ]; then
	echo "generated code was out of date; it has been written anew: commit it" >&2
	git --no-pager diff --stat -- $generated >&2
	exit 1
fi

for dir in . sdk; do
	if ! (cd $dir && GOWORK=off go mod tidy -diff); then
		echo "$dir/go.mod is not tidy: run \`GOWORK=off go mod tidy\` in $dir" >&2
		exit 1
	fi
done
