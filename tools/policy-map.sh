#!/usr/bin/env bash
# Checks docs/policy-map.md: every row names a package and tests, and every such test is a function of that package.
#
# A row is | article | requirement | capability | `package` | `TestA`, `TestB` |.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

map=docs/policy-map.md
rows=0 bad=0
while IFS='|' read -r _ _ id _ pkg tests _; do
	pkg=$(tr -d '` ' <<<"$pkg")
	names=$(grep -oE '(Test|Fuzz|Example)[A-Za-z0-9_]*' <<<"$tests" || true)
	rows=$((rows + 1))
	if [ -z "$names" ]; then
		echo "$map:$id names no test" >&2
		bad=1
	fi
	for name in $names; do
		if ! grep -qsE "^func $name\(" "$pkg"/*_test.go; then
			echo "$map:$id $pkg has no $name" >&2
			bad=1
		fi
	done
done < <(grep -E '^\| .* \| R[0-9]{2}' "$map")

if [ "$rows" -eq 0 ]; then
	echo "$map holds no row" >&2
	exit 1
fi
exit "$bad"
