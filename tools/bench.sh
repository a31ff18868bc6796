#!/usr/bin/env bash
# Runs the benchmarks and stores their output below a machine card, in the format benchstat reads.
#
#   PKGS       packages (those that have a benchmark)
#   BENCH      regular expression over benchmark names (.)
#   BENCHTIME  per benchmark, as go test -benchtime takes it (1s)
#   COUNT      repetitions, from which benchstat computes its intervals (6)
#
# Compare two files with: go tool -modfile=tools/go.mod benchstat OLD NEW
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -n "${PKGS:-}" ]; then
	read -ra pkgs <<<"$PKGS"
else
	mapfile -t pkgs < <(find . -name '*_test.go' -not -path './.*' -exec grep -l '^func Benchmark' {} + | xargs -n1 dirname | sort -u)
fi

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
cpu=${cpu:-$(sysctl -n machdep.cpu.brand_string 2>/dev/null || uname -m)}
ram=$(awk '/^MemTotal/ { printf "%.1f GiB", $2 / 1048576 }' /proc/meminfo 2>/dev/null || true)
commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
if [ "$commit" != unknown ] && [ -n "$(git status --porcelain)" ]; then
	commit+=-dirty
fi

slug=$(tr -cs 'A-Za-z0-9' '-' <<<"$cpu" | sed 's/^-*//; s/-*$//' | tr 'A-Z' 'a-z')
out=benchmarks/results/$(date -u +%Y-%m-%d)-$slug.txt
mkdir -p "$(dirname "$out")"

{
	echo "machine-cpu: $cpu"
	echo "machine-cores: $(getconf _NPROCESSORS_ONLN)"
	echo "machine-ram: ${ram:-unknown}"
	echo "machine-go: $(go env GOVERSION)"
	echo "machine-commit: $commit"
	echo "machine-date: $(date -u +%Y-%m-%dT%H:%M:%SZ)"
	echo
} | tee "$out"

# One package at a time: benchmarks of two packages on the same cores measure each other.
go test -vet=off -p 1 -run '^$' -bench "${BENCH:-.}" -benchtime "${BENCHTIME:-1s}" -count "${COUNT:-6}" -timeout 0 "${pkgs[@]}" | tee -a "$out"
echo "written to $out"
