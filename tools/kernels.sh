#!/usr/bin/env bash
# Generates the kernels' assembly. Each generator says in its main.go which one command does it; this script reads the
# command there, so that there is one place.
#
#   tools/kernels.sh           rewrites internal/kernel/*/*.s
#   tools/kernels.sh --check   fails when that would change anything
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

commands() { sed -n 's,^//[[:space:]]*\((cd internal/kernel/[a-z0-9]*/_asm && go run \. -out .*)\)$,\1,p' internal/kernel/*/_asm/main.go; }

dirs=(internal/kernel/*/_asm)
if [ "$(commands | wc -l)" != "${#dirs[@]}" ]; then
	echo "a generator in internal/kernel/*/_asm does not say its command in main.go" >&2
	exit 1
fi

root=$PWD
case "${1-}" in
--check)
	# A copy, so that the tree stays as it is and the gate holds without git too. The command's own words are in the
	# output's first line, so the copy keeps the layout.
	root=$(mktemp -d)
	trap 'rm -rf "$root"' EXIT
	mkdir -p "$root/internal"
	cp -R internal/kernel "$root/internal/kernel"
	;;
'') ;;
*)
	echo "usage: tools/kernels.sh [--check]" >&2
	exit 2
	;;
esac

commands | while read -r command; do
	(cd "$root" && bash -c "$command")
done

if [ "$root" != "$PWD" ]; then
	diff -r internal/kernel "$root/internal/kernel" || { echo 'generated assembly was stale: commit what make generate wrote' >&2; exit 1; }
fi
