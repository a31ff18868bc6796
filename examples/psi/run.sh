#!/usr/bin/env bash
# A bank and a shop find their common customers by phone number: two commands, two files, one invite.
#
#   TACIT   the binary to use; built into the work directory when unset
set -euo pipefail
export CGO_ENABLED=0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

work=$(mktemp -d)
listener=
finish() {
	local code=$?
	trap - EXIT INT TERM
	if [[ -n $listener ]]; then kill "$listener" 2>/dev/null || true; fi
	wait
	if ((code != 0)); then cat "$work"/*.log >&2 || true; fi
	rm -rf "$work"
	exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$here" # go build needs the module around it
if [[ -z ${TACIT:-} ]]; then
	TACIT=$work/tacit
	go build -o "$TACIT" github.com/tacit-data/tacit/cmd/tacit
fi

# The bank listens and writes its invite to a file, which it would hand to the shop over a channel both trust.
"$TACIT" psi --listen 127.0.0.1:0 --invite-file "$work/invite" \
	--input bank.csv --key phone:phone-cn --output "$work/bank-matched.csv" >"$work/bank.txt" 2>"$work/bank.log" &
listener=$!
for _ in {1..500}; do
	[[ -e $work/invite ]] && break
	sleep 0.02
done

# The shop connects. Its column has another name and other habits; the rule brings both to one form.
"$TACIT" psi --connect "@$work/invite" \
	--input shop.csv --key mobile:phone-cn --output "$work/shop-matched.csv" >"$work/shop.txt" 2>"$work/shop.log"
wait "$listener"
listener=

echo "bank:"
grep -E '^(rows|keys|matched)' "$work/bank.txt"
echo "shop:"
grep -E '^(rows|keys|matched)' "$work/shop.txt"

# Line k of one output belongs to line k of the other. Here, where one person sees both, they can be put side by side.
echo "side by side, as neither party can see it:"
paste -d'|' <(tail -n +2 "$work/bank-matched.csv") <(tail -n +2 "$work/shop-matched.csv") | LC_ALL=C sort
