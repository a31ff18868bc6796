#!/usr/bin/env bash
# Runs the whole demo again and again: every run must end by itself within its limit, exit 0 and verify its log.
#
#   SOAK_RUNS   how often (20)
#   SOAK_LIMIT  seconds one run may take (180)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

runs=${SOAK_RUNS:-20}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -trimpath -o "$dir/tacit" ./cmd/tacit

for ((i = 1; i <= runs; i++)); do
	begun=$SECONDS
	if ! timeout --kill-after=10 "${SOAK_LIMIT:-180}" "$dir/tacit" demo --format json >"$dir/out" 2>"$dir/err"; then
		cat "$dir/err" >&2
		echo "run $i of $runs failed" >&2
		exit 1
	fi
	if ! grep -Eq '"audit_verified"[[:space:]]*:[[:space:]]*true' "$dir/out"; then
		cat "$dir/out" >&2
		echo "run $i of $runs did not verify its log" >&2
		exit 1
	fi
	echo "== soak: run $i of $runs, $((SECONDS - begun)) s, log verified"
done
