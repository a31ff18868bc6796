#!/usr/bin/env bash
# Checks what `make check` needs besides Go modules, and installs it where it may.
#
#   Go          at least what go.mod and tools/go.mod say
#   C compiler  for the race detector, with the C library's headers
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

check_go() {
	if ! command -v go >/dev/null; then
		echo "missing: Go $(sed -n 's/^go //p' tools/go.mod) or newer; install it from https://go.dev/dl/ and put its bin on PATH" >&2
		return 1
	fi
	# go itself says which version it has and which it needs.
	go list -m >/dev/null && go list -modfile=tools/go.mod -m >/dev/null
}

# compiles reports whether the compiler that Go would call links a program with threads.
compiles() {
	local cc dir
	cc=$(go env CC)
	command -v "${cc%% *}" >/dev/null || return 1
	dir=$(mktemp -d)
	# shellcheck disable=SC2086 # CC may carry flags
	if printf '#include <pthread.h>\n#include <stdlib.h>\nint main(void) { return pthread_self() == 0; }\n' |
		$cc -x c - -o "$dir/probe" -lpthread 2>/dev/null; then
		rm -rf "$dir"
		return 0
	fi
	rm -rf "$dir"
	return 1
}

check_compiler() {
	compiles && return 0
	if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
		echo "installing gcc and libc6-dev, which go test -race needs"
		export DEBIAN_FRONTEND=noninteractive
		apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
		compiles && return 0
	fi
	cat >&2 <<-MISSING
		missing: a C compiler ($(go env CC)) with the C library's headers, which go test -race needs
		  Debian, Ubuntu   sudo apt-get update && sudo apt-get install -y gcc libc6-dev
		  Fedora, RHEL     sudo dnf install -y gcc glibc-devel
		  macOS            xcode-select --install
	MISSING
	return 1
}

check_go
check_compiler
