#!/usr/bin/env bash
# Measures set intersection beside the nearest peers, on the same files and the same machine, one after the other.
#
#   benchmarks/psi/run.sh [--sizes "2^16 2^20"] [--repeat N] [-o FILE]
#
#   --sizes   keys of each party ("2^16 2^20")
#   --repeat  runs of each row (3)
#   -o        where the JSON goes (benchmarks/results/psi-DATE.json)
#
#   PEERS        which peers to measure ("optable secretflow-psi"); empty for none
#   SLOW         the largest size at which the peers' slow rows are run: optable's dhpsi and, as shipped, kkrt ("2^16")
#   PYTHON       makes the virtual environment of secretflow-psi (python3)
#   BENCH_CACHE  where it and the peers' binaries are kept (~/.cache/tacit/bench)
set -euo pipefail
export CGO_ENABLED=0 PYTHONDONTWRITEBYTECODE=1
started=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

sizes="2^16 2^20" repeat=3 out=benchmarks/results/psi-$(date -u +%Y-%m-%d).json
# from_here makes a path that was typed in the caller's directory absolute.
from_here() { if [[ $1 == /* ]]; then echo "$1"; else echo "$started/$1"; fi; }
while (($#)); do
	if [[ $# == 1 || $1 != --repeat && $1 != --sizes && $1 != -o ]]; then
		echo 'usage: run.sh [--sizes "2^16 2^20"] [--repeat N] [-o FILE]' >&2
		exit 10
	fi
	case $1 in
	--repeat) repeat=$2 ;;
	--sizes) sizes=$2 ;;
	-o) out=$(from_here "$2") ;;
	esac
	shift 2
done
slow=${SLOW:-2^16}
cache=${BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tacit/bench}
mkdir -p "$cache"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
results=$work/results
tacit=$work/tacit
go build -trimpath -o "$tacit" ./cmd/tacit

# skip PEER REASON stores that a peer has no number.
skip() {
	echo "== $1: skipped, $2" >&2
	echo "{\"peer\": \"$1\", \"not_measured\": \"$2\"}" >>"$results"
}

# last_line FILE COMMAND... appends the last line of what a command prints, if it succeeds, to FILE.
last_line() {
	local to=$1
	shift
	"$@" >"$work/said" 2>"$work/log" && tail -n 1 "$work/said" >>"$to"
}

# exponent is log2 of a size, to compare them.
exponent() { if [[ $1 == 2^* ]]; then echo "${1#2^}"; else echo $((${#1} * 10 / 3)); fi; }

ours() {
	local n=$1 what
	for what in "psi/rr22" "psi/rr22 --core" "psi/rr22-malicious" "psi/ecdh" "psi/ecdh --core"; do
		# shellcheck disable=SC2086
		"$tacit" bench run $what --n "$n" --repeat "$repeat" --format json >>"$results"
	done
	"$tacit" bench run psi/rr22 --n "$n" --repeat "$repeat" --tls off --format json >>"$results"
	"$tacit" bench run psi/rr22 --n "$n" --repeat 1 --net lan,wan-20ms,sf --format json >>"$results"
	"$tacit" bench run psi/ecdh --n "$n" --repeat 1 --net sf --format json >>"$results"
}

optable() {
	local n=$1 bin=$cache/optable-$(cat benchmarks/peers/optable/* | cksum | cut -d ' ' -f 1) row
	if [[ ! -x $bin ]]; then
		if ! (cd benchmarks/peers/optable && GOTOOLCHAIN=go1.24.6 GOFLAGS= go build -buildvcs=false -o "$bin" .) >&2; then
			skip optable "its module or the toolchain that compiles it cannot be had"
			return
		fi
	fi
	for row in "-proto kkrt -nodelay" "-proto kkrt" "-proto dhpsi -nodelay"; do
		if [[ $row != "-proto kkrt -nodelay" ]] && (($(exponent "$n") > $(exponent "$slow"))); then continue; fi
		echo "== optable $row n=$n" >&2
		# shellcheck disable=SC2086
		last_line "$results" "$bin" $row -repeat "$repeat" -receiver "$work/keys/receiver.csv" -sender "$work/keys/sender.csv" ||
			skip optable "$row failed at n=$n: $(tail -c 200 "$work/log" | tr -d '"\\\n')"
	done
}

secretflow_psi() {
	local n=$1 wants=benchmarks/peers/spu/requirements.txt dir row # the same wheel, hence the same environment
	dir=$cache/spu-$(cksum <"$wants" | cut -d ' ' -f 1)
	if [[ ! -e $dir/complete ]]; then
		rm -rf "$dir"
		echo "== secretflow-psi: installing into $dir" >&2
		if ! { "${PYTHON:-python3}" -m venv "$dir" && "$dir/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: -r "$wants"; } >&2; then
			rm -rf "$dir"
			skip secretflow-psi "its packages cannot be installed"
			return
		fi
		touch "$dir/complete"
	fi
	for row in rr22 kkrt ecdh-25519; do
		echo "== secretflow-psi $row n=$n" >&2
		last_line "$results" "$dir/bin/python" benchmarks/peers/secretflow-psi/run.py --proto "$row" --repeat "$repeat" \
			--receiver "$work/keys/receiver.csv" --sender "$work/keys/sender.csv" ||
			skip secretflow-psi "$row failed at n=$n: $(tail -c 200 "$work/log" | tr -d '"\\\n')"
	done
}

for n in $sizes; do
	ours "$n"
	mkdir -p "$work/keys"
	"$tacit" bench keys "$work/keys" --n "$n"
	for peer in ${PEERS-optable secretflow-psi}; do "${peer//-/_}" "$n"; done
done
for kernel in curve25519 aes gf128 okvs; do "$tacit" bench run "kernel/$kernel" --repeat "$repeat" --format json >>"$results"; done
mkdir -p "$(dirname "$out")"
"$tacit" bench collect -o "$out" <"$results"
chmod 644 "$out"
echo "written to $out"
