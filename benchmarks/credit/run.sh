#!/usr/bin/env bash
# Measures the main job beside scikit-learn on the pooled features and, where it can be installed, SPU.
#
#   benchmarks/credit/run.sh [--repeat N] [--data DIR] [-o FILE]
#
#   --repeat  runs of the demo per table (3)
#   --data    where the public tables lie (../shared/data/fate from the root); those that are absent are skipped
#   -o        where the JSON goes (benchmarks/results/credit-DATE.json)
#
#   PEERS        which peers to measure ("sklearn spu"); the others are stored as not measured
#   PYTHON       makes the peers' virtual environments (python3)
#   BENCH_CACHE  where these are kept (~/.cache/tacit/bench)
set -euo pipefail
export CGO_ENABLED=0
started=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

repeat=3 data=../shared/data/fate out=benchmarks/results/credit-$(date -u +%Y-%m-%d).json
# from_here makes a path that was typed in the caller's directory absolute.
from_here() { if [[ $1 == /* ]]; then echo "$1"; else echo "$started/$1"; fi; }
while (($#)); do
	if [[ $# == 1 || $1 != --repeat && $1 != --data && $1 != -o ]]; then
		echo "usage: run.sh [--repeat N] [--data DIR] [-o FILE]" >&2
		exit 10
	fi
	case $1 in
	--repeat) repeat=$2 ;;
	--data) data=$(from_here "$2") ;;
	-o) out=$(from_here "$2") ;;
	esac
	shift 2
done

cache=${BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tacit/bench}

# venv PEER prints the python of the peer's environment, made once per requirements.txt, or nothing when it cannot be had.
venv() {
	local wants=benchmarks/peers/$1/requirements.txt dir
	dir=$cache/$1-$(cksum <"$wants" | cut -d ' ' -f 1)
	if [[ ! -e $dir/complete ]]; then
		rm -rf "$dir"
		mkdir -p "$cache"
		echo "== $1: installing into $dir" >&2
		if ! { "${PYTHON:-python3}" -m venv "$dir" && "$dir/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: -r "$wants"; } >&2; then
			rm -rf "$dir"
			echo "== $1: skipped, its packages cannot be installed" >&2
			return
		fi
		touch "$dir/complete"
	fi
	echo "$dir/bin/python"
}

peers=()
for peer in ${PEERS-sklearn spu}; do
	python=$(venv "$peer")
	if [[ -n $python ]]; then peers+=("-$peer" "$python"); fi
done

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -trimpath -o "$bin/tacit" ./cmd/tacit
go build -trimpath -o "$bin/credit" ./benchmarks/credit
"$bin/credit" -repeat "$repeat" -data "$data" -o "$out" -tacit "$bin/tacit" "${peers[@]}"
