# make check   what CI runs: every gate, in order, stopping at the first failure
# make fuzz    every fuzz target for FUZZTIME each (30s); FUZZ=regexp narrows
# make bench   benchmarks into benchmarks/results/; BENCHTIME, COUNT, BENCH, PKGS
# make bench-credit  the main job beside scikit-learn and SPU, into benchmarks/results/; REPEAT (3), DATA, PEERS
# make bench-psi  set intersection beside its nearest peers, into benchmarks/results/; REPEAT (3), SIZES (2^16 2^20), PEERS
# make soak    the demo SOAK_RUNS times (20), each run's log verified
# make vuln    known vulnerabilities of what is linked; needs the network, never part of check
# make setup build fmt generate

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

# A checkout that belongs to another user has no usable VCS stamp.
override GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)
export GOFLAGS
# The product is one static binary; only the race detector links C.
export CGO_ENABLED := 0

TEST_TIMEOUT := 10m
RACE_TIMEOUT := 15m
GOVULNCHECK  := golang.org/x/vuln/cmd/govulncheck@v1.9.0

BUF      := go tool -modfile=tools/go.mod buf
# Generated code is not ours to format.
GO_FILES := find . -name '*.go' -not -path './.*' -not -path './api/pb/*'

.PHONY: help
help:
	@sed -n 's/^# make/make/p' Makefile

# ---- the gates ----

GATES := format vet staticcheck build test race purego proto generated modules policy-map

.PHONY: check $(GATES:%=check-%)
check: setup $(GATES:%=check-%)
	@echo '== check: everything passed'

check-format:
	@echo '== format: gofumpt changes nothing'
	@out=$$($(GO_FILES) -exec go tool gofumpt -l {} +); \
	if [ -n "$$out" ]; then echo "$$out"; echo 'not formatted: run make fmt'; exit 1; fi

check-vet:
	@echo '== vet: go vet ./...'
	@go vet ./...

check-staticcheck:
	@echo '== staticcheck: go tool staticcheck ./...'
	@go tool staticcheck ./...

check-build:
	@echo '== build: everything, and one static binary'
	@go build ./...
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; go build -trimpath -o "$$dir/tacit" ./cmd/tacit

check-test:
	@echo '== test: go test ./...'
	@go test -vet=off -timeout $(TEST_TIMEOUT) ./...

check-race:
	@echo '== race: go test -race -short, invariants and reference counts asserted'
	@CGO_ENABLED=1 go test -vet=off -race -tags invariants,assert -short -timeout $(RACE_TIMEOUT) ./...

check-purego:
	@echo '== purego: the kernels without assembly'
	@go test -vet=off -tags purego -timeout $(TEST_TIMEOUT) ./internal/kernel/...

check-proto:
	@echo '== proto: buf lint'
	@$(BUF) lint

# The copy makes the gate hold without git too; git adds that nothing generated was left out of the commit.
check-generated:
	@echo '== generated: make generate changes nothing under api/pb'
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	cp -R api/pb "$$dir/pb"; \
	$(BUF) generate; \
	diff -r "$$dir/pb" api/pb || { echo 'generated code was stale: commit what make generate wrote'; exit 1; }
	@if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then \
		git diff --exit-code --stat -- api/pb; \
		new=$$(git ls-files --others --exclude-standard -- api/pb); \
		if [ -n "$$new" ]; then echo "$$new"; echo 'generated files that are not in git'; exit 1; fi; \
	fi
	@echo '== generated: the kernels are what their generators write'
	@tools/kernels.sh --check

check-modules:
	@echo '== modules: go.mod is tidy, the cache is what go.sum says'
	@go mod tidy -diff
	@go mod verify

check-policy-map:
	@echo '== policy map: every test it names exists'
	@tools/policy-map.sh

# ---- doing things ----

.PHONY: setup build fmt generate fuzz bench bench-credit bench-psi soak vuln
setup:
	@echo '== setup: what the gates need besides Go'
	@tools/setup.sh

build:
	go build -trimpath -ldflags '-s -w' -o tacit ./cmd/tacit

fmt:
	@$(GO_FILES) -exec go tool gofumpt -l -w {} +

generate:
	@$(BUF) generate
	@tools/kernels.sh

fuzz:
	@tools/fuzz.sh

bench:
	@tools/bench.sh

bench-credit:
	@benchmarks/credit/run.sh --repeat $(or $(REPEAT),3) $(if $(DATA),--data "$(DATA)")

bench-psi:
	@benchmarks/psi/run.sh --repeat $(or $(REPEAT),3) $(if $(SIZES),--sizes "$(SIZES)")

soak:
	@tools/soak.sh

vuln:
	@go run $(GOVULNCHECK) ./...
