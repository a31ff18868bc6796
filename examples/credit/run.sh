#!/usr/bin/env bash
# Three parties train a joint credit model by hand: every command that people type, in their order, on this machine.
#
#   TACIT   the binary to use; built into the work directory when unset
set -euo pipefail
export CGO_ENABLED=0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

work=$(mktemp -d)
nodes=()
finish() {
	local code=$?
	trap - EXIT INT TERM
	for pid in "${nodes[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait
	if ((code != 0)); then tail -n 5 "$work"/*.log >&2 || true; fi
	rm -rf "$work"
	exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$here" # go build needs the module around it
if [[ -z ${TACIT:-} ]]; then
	TACIT=$work/bin/tacit
	go build -o "$TACIT" github.com/tacit-data/tacit/cmd/tacit
fi
go build -o "$work/bin/sample" ./sample
cd "$work"

story() { printf '\n== %s\n' "$*"; }
# tacit shows a command as it is typed and runs it.
tacit() {
	printf '$ tacit %s\n' "$*"
	"$TACIT" "$@"
}
# until_seen PATTERN COMMAND… waits until COMMAND prints PATTERN.
until_seen() {
	local pattern=$1
	shift
	for _ in {1..300}; do
		if "$@" 2>/dev/null | grep -E -- "$pattern" >/dev/null; then return; fi # -q would cut the pipe, which counts as a failure
		sleep 0.1
	done
	echo "waited 30 s for $pattern from: $*" >&2
	return 24
}
# serve runs the node of a directory; its ready line says the ports that were free.
serve() {
	printf '$ tacit serve --dir %s &\n' "$1"
	"$TACIT" serve --dir "$1" >"$1.ready" 2>"$1.log" &
	nodes+=($!)
	until_seen '"kind":"ready"' cat "$1.ready"
}
# meet INVITER JOINER introduces two nodes: an invite over a trusted channel, six words compared by voice, a yes.
meet() {
	printf '$ tacit invite %s --dir %s\n' "$2" "$1"
	local invite words
	invite=$("$TACIT" invite "$2" --dir "$1" 2>/dev/null)
	printf '$ tacit join %s… --dir %s\n' "${invite:0:13}" "$2"
	"$TACIT" join "$invite" --dir "$2" >/dev/null 2>&1
	words=$("$TACIT" status --dir "$2" | sed -n 's/^words  *//p')
	until_seen "$words" "$TACIT" peer list --dir "$1"
	printf '  %s reads its words to %s: %s\n' "$2" "$1" "$words"
	printf '$ tacit peer approve %s --dir %s\n' "$2" "$1"
	"$TACIT" peer approve "$2" --dir "$1" >/dev/null
}

story 'Three nodes, each with a directory and keys of its own'
for party in bank utility coordinator; do
	tacit init --party "$party" --dir "$party" --listen 127.0.0.1:0 --api 127.0.0.1:0
	serve "$party"
done

story 'They meet'
meet bank utility
meet bank coordinator
meet utility coordinator
until_seen 'utility +pinned +Up' "$TACIT" peer list --dir bank
tacit peer list --dir bank

story 'Each registers its own file: nothing of it is sent'
bin/sample
tacit data add loans bank.csv --key id --target y --dir bank
tacit data add usage utility.csv --key id --dir utility

story 'The bank offers an agreement, the utility accepts it'
tacit agreement offer --party bank --party utility --asset bank:loans@1 --asset utility:usage@1 \
	--purpose credit-risk --price 120.00 --currency CNY --payer bank --share bank=55 --share utility=45 \
	--expires 90d --dir bank | tee offer
agreement=$(sed -n 's/^agreement  *//p' offer)
until_seen "${agreement:0:19}" "$TACIT" agreement list --dir utility
tacit agreement accept "$agreement" --dir utility
until_seen FINALIZED "$TACIT" agreement list --dir bank

story 'Each owner signs a grant for one run'
for file in bank-grant.yaml utility-grant.yaml job.yaml; do
	sed "s/sha256:0\{64\}/$agreement/" "$here/$file" >"$file"
done
tacit grant create -f bank-grant.yaml --dir bank
tacit grant create -f utility-grant.yaml --dir utility

story 'The plan: who learns what, and what it costs; nothing runs yet'
tacit job plan job.yaml --dir bank

story 'The job runs'
printf '$ tacit submit job.yaml --yes --detach --dir bank\n'
job=$("$TACIT" submit job.yaml --yes --detach --dir bank 2>/dev/null)
tacit watch "$job" --dir bank

story 'Results go to whom the job releases them'
for output in r-report r-model r-stats; do
	tacit get "$job" "$output" --dir bank
	tacit get "$job" "$output" --dir utility
done
printf '$ tacit element list --dir bank\n'
"$TACIT" element list --dir bank | LC_ALL=C sort -k 2,2

story 'The invoice is the same at both'
tacit invoice "$job" --dir bank
"$TACIT" invoice "$job" --dir utility | grep -E '^(total|to )' | diff - <("$TACIT" invoice "$job" --dir bank | grep -E '^(total|to )')

story 'Every log is recomputed from its first leaf'
for party in bank utility coordinator; do
	tacit audit verify --dir "$party"
done
