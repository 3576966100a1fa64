# `make` or `make help` lists what there is. CONTRIBUTING.md says when to use what.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

GO ?= go
NPM ?= npm
PYTHON ?= python3

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/faultline-storage/faultline/internal/cli.Version=$(VERSION)
# Both modules of the repository.
GOPACKAGES := ./... ./sdk/...
# A tool of tools/go.mod, built if need be. It is run inside the workspace, which
# `go tool -modfile` cannot do.
tool = $$(GOWORK=off $(GO) tool -modfile=tools/go.mod -n $(1))

FUZZTIME ?= 20s
KILLS ?= 300
BENCH ?= .
BENCHTIME ?= 1s
BENCHPACKAGES ?= $(GOPACKAGES)
VMLANES ?= uml qemu
# With -race lint reads what tests with the race detector have compiled.
LINTFLAGS ?=

WEBSOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts web/package-lock.json -type f 2>/dev/null)

.PHONY: help
help: ## list these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: web/dist/index.html ## build bin/faultline, with the page in it, and bin/faultline-agent for storage servers
	CGO_ENABLED=0 $(GO) build -trimpath -tags embedui -ldflags '$(LDFLAGS)' -o bin/faultline ./cmd/faultline
	CGO_ENABLED=0 $(GO) build -trimpath -tags agent -ldflags '$(LDFLAGS)' -o bin/faultline-agent ./cmd/faultline

.PHONY: build-race
build-race: web/dist/index.html ## build bin/faultline-race, the program of the browser's tests, with the page and the race detector in it
	$(GO) build -race -tags embedui -ldflags '$(LDFLAGS)' -o bin/faultline-race ./cmd/faultline
	$(GO) build -race -tags agent -o /dev/null ./cmd/faultline

.PHONY: demo
demo: ## set up, build, run two simulated arrays and their hosts, break things, and leave the page open at http://127.0.0.1:8700
	@scripts/setup-debian.sh demo
	@$(MAKE) --no-print-directory build
	bin/faultline demo $(DEMOFLAGS)

.PHONY: test
test: ## everything: set-up, generated code, lint, all tests with the race detector, the page in a browser
	@scripts/setup-debian.sh
	@$(PYTHON) scripts/test.py

.PHONY: test-vm
test-vm: ## boot Debian kernels without KVM and test against them: control groups, real block devices; VMLANES chooses
	@scripts/setup-debian.sh vm
	@e2e/vm/test.sh $(VMLANES)

.PHONY: check
check: ## the fast inner loop: build, vet, and the short tests of what changed
	$(GO) build $(GOPACKAGES)
	$(GO) vet $(GOPACKAGES)
	$(GO) test -short $(GOPACKAGES)

.PHONY: bench
bench: ## benchmarks; BENCH=regexp, BENCHTIME=1s, BENCHPACKAGES=./internal/pluginhost choose
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime '$(BENCHTIME)' -timeout 60m $(BENCHPACKAGES) | awk '!/no test files/ && !/^PASS$$/'

.PHONY: lint
lint: ## golangci-lint and formatting, by .golangci.yml
	GOFLAGS='$(LINTFLAGS)' $(call tool,golangci-lint) run --allow-parallel-runners $(GOPACKAGES)

.PHONY: generate
generate: web/node_modules/.package-lock.json ## write generated code anew: API, schemas, types of the page
	$(GO) generate ./...
	cd web && $(NPM) run --silent generate

.PHONY: verify
verify: ## fail if generated code or go.mod is out of date
	@scripts/verify.sh

.PHONY: fuzz
fuzz: ## run every fuzz test for FUZZTIME
	@scripts/fuzz.sh $(FUZZTIME)

.PHONY: crash
crash: ## kill a busy server with SIGKILL at random points, KILLS times, and see that nothing is lost
	FAULTLINE_E2E_KILLS=$(KILLS) $(GO) test -run 'TestKilledAtAnyPoint' -count 1 -v -timeout 2h ./e2e
	$(GO) test -run 'TestNothingAcknowledgedIsLostOnKill' -count 10 -v ./internal/store/sqlite

.PHONY: clean
clean: ## remove what the build made
	rm -rf bin web/dist web/test-results web/node_modules .cache

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && $(NPM) ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEBSOURCES)
	cd web && $(NPM) run --silent build
	@touch $@
