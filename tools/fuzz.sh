#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME. All are run; the failing ones are named at the end.
#
#   FUZZTIME  per target, as go test -fuzztime takes it (30s)
#   FUZZ      regular expression over target names (^Fuzz)
#   PKGS      packages (./...)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

read -ra pkgs <<<"${PKGS:-./...}"

# go test -list prints the names of a package and then its "ok" line.
list=$(go test -vet=off -list "${FUZZ:-^Fuzz}" "${pkgs[@]}")
targets=$(awk '/^Fuzz/ { names[++n] = $1 } /^ok/ { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }' <<<"$list")
if [ -z "$targets" ]; then
	echo 'no fuzz target matches' >&2
	exit 1
fi

failed=()
while read -r pkg name; do
	echo "== fuzz: $pkg $name"
	go test -vet=off -run '^$' -fuzz "^${name}\$" -fuzztime "${FUZZTIME:-30s}" "$pkg" </dev/null || failed+=("$pkg $name")
done <<<"$targets"

if [ ${#failed[@]} -gt 0 ]; then
	printf 'failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
echo "== fuzz: $(wc -l <<<"$targets") targets, no failure"
