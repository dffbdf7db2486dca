# CloudMastersHub. `make run` on a fresh Linux machine with Go and git sets up
# what it needs and starts learning; `make test` sets up and tests.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.0.0-dev)
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
DATE    := $(shell git log -1 --format=%cI 2>/dev/null)
PKG     := github.com/cloudmastershub/cmh
LDFLAGS := -s -w -X $(PKG)/client.Version=$(VERSION) -X $(PKG)/client.Commit=$(COMMIT) -X $(PKG)/client.Date=$(DATE)
BUILD   := go build -trimpath -buildvcs=false

# Tools are built once per version, outside the checkout and outside go.mod.
TOOLS        := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cmh-tools
GOLANGCI     := 2.15.0
GOLANGCI_BIN := $(TOOLS)/golangci-lint-$(GOLANGCI)/golangci-lint
VULN         := 1.9.0
GQLGEN       := $(shell awk '$$1 == "github.com/99designs/gqlgen" {print $$2}' go.mod)
GQLGEN_BIN   := $(TOOLS)/gqlgen-$(GQLGEN)/gqlgen
NFPM         := 2.45.2
NFPM_BIN     := $(TOOLS)/nfpm-$(NFPM)/nfpm
COMPOSE      := 2.40.3
COMPOSE_BIN  := $(or $(wildcard /usr/libexec/docker/cli-plugins/docker-compose /usr/lib/docker/cli-plugins/docker-compose),$(TOOLS)/docker-compose-$(COMPOSE)/docker-compose)
VULN_BIN     := $(TOOLS)/govulncheck-$(VULN)/govulncheck

# RACE=1 tests with the race detector; TESTFLAGS and PKGS narrow a run.
RACE      ?=
PKGS      ?= ./...
TESTFLAGS ?=
FUZZTIME  ?= 60s
WITHDB    := go run ./server/internal/postgres/pgtest/withdb --

export CMH_LAB_AGENT ?= $(CURDIR)/bin/lab-agent
export CMH_IMAGE_DIR ?= $(shell [ "$$(id -u)" = 0 ] && echo /var/cache/cmh/images || echo "$${XDG_CACHE_HOME:-$$HOME/.cache}/cmh/images")

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build setup ## start everything and learn (without a terminal: walk the main job and exit)
	@deploy/local/run.sh

.PHONY: serve
serve: build setup ## run the server alone, in the foreground
	@export CMH_LAB_IMAGE=$$(deploy/local/image.sh); exec bin/cmh-server serve

.PHONY: build
build: ## build the programs: bin/cmh and those beside it, bin/cmh-server, bin/lab-agent and bin/lab-tiny
	@CGO_ENABLED=0 $(BUILD) -ldflags '$(LDFLAGS)' -o bin/cmh ./cmd/cmh
	@CGO_ENABLED=0 $(BUILD) -ldflags '$(LDFLAGS)' -o bin/cmh-author ./cmd/author
	@CGO_ENABLED=0 $(BUILD) -ldflags '-s -w' -o bin/cmh-format ./cmd/format
	@$(BUILD) -ldflags '$(LDFLAGS)' -o bin/cmh-server ./cmd/server
	@CGO_ENABLED=0 $(BUILD) -ldflags '-s -w' -o bin/lab-agent ./labs/agent
	@CGO_ENABLED=0 $(BUILD) -ldflags '-s -w' -o bin/lab-tiny ./labs/image/tiny

.PHONY: setup
setup: ## install the system packages that are missing
	@deploy/local/setup.sh run

.PHONY: image
image: build ## build the base image of the labs, once
	@bin/cmh-server image build

.PHONY: container
container: ## make the server's container image, cmh-server:latest (CONTAINER=podman: by another engine)
	@deploy/local/container.sh image cmh-server:latest '$(LDFLAGS)'

.PHONY: test
test: build ## set up what the tests need and run them all
	@deploy/local/setup.sh run test
	@bin/cmh-server image build
	@rm -rf .cache/cover && mkdir -p .cache/cover
	@CMH_COVERDIR=$(CURDIR)/.cache/cover GOFLAGS="$${GOFLAGS:-} -cover" \
		deploy/local/engines.sh $(WITHDB) go test $(if $(RACE),-race) -timeout 20m -coverpkg=./... -coverprofile=coverage.out $(TESTFLAGS) $(PKGS)
	@go tool covdata textfmt -i=.cache/cover -o .cache/programs.out
	@deploy/local/coverage.sh coverage.out .cache/programs.out

.PHONY: test-security
test-security: build ## run the tests that docs/security.md names; none may be missing, skipped or red
	@deploy/local/setup.sh run test
	@bin/cmh-server image build
	@deploy/local/engines.sh $(WITHDB) deploy/local/security.sh $(TESTS)

.PHONY: test-mutants
test-mutants: build ## break promises of docs/security.md one by one: a test must notice each (ONLY: of which checks)
	@bin/cmh-server image build
	@$(WITHDB) deploy/local/mutants.sh $(ONLY)

.PHONY: test-compose
test-compose: build $(COMPOSE_BIN) ## as root: bring up what deploy/compose.yaml describes, and use it
	@deploy/local/setup.sh run test
	@deploy/local/compose.sh $(firstword $(COMPOSE_BIN))

.PHONY: lint
lint: $(GOLANGCI_BIN) $(GQLGEN_BIN) ## formatting, vet, layers, style, known vulnerabilities
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	@go vet ./...
	@for os in darwin windows; do CGO_ENABLED=0 GOOS=$$os go vet ./cmd/cmh/... ./cmd/format ./client/... ./tui/... ./words/... || exit 1; done
	@go mod tidy -diff
	@go mod verify >/dev/null
	@deploy/local/generated.sh $(GQLGEN_BIN)
	@$(GOLANGCI_BIN) run ./...
	@deploy/local/govulncheck.sh $(VULN) $(VULN_BIN)

.PHONY: sdk
sdk: ## make the SDKs for TypeScript and Python and the Postman collection, in sdk/
	@go run ./sdk/generate sdk
	@echo "sdk/typescript, sdk/python, sdk/postman"

.PHONY: fuzz
fuzz: ## fuzz every parser of foreign input, FUZZTIME=60s each
	@$(WITHDB) deploy/local/fuzz.sh $(FUZZTIME)

.PHONY: fuzz-api
fuzz-api: build ## ask the API 10,000 requests made up out of its contract (CMH_SEED: others)
	@deploy/local/setup.sh run
	@CMH_TEST_THOROUGH=1 $(WITHDB) go test -count=1 -timeout 20m -v -run '^TestMadeUpRequests$$' ./server/internal/httpapi

.PHONY: bench
bench: build ## measure start and connect times against floors of the same run
	@deploy/local/setup.sh run test bench
	@bin/cmh-server image build
	@deploy/local/engines.sh deploy/local/bench.sh

.PHONY: generate
generate: $(GQLGEN_BIN) ## make the code of the GraphQL schema anew
	@cd server/internal/graph && $(GQLGEN_BIN) generate --config gqlgen.yml

.PHONY: golden
golden: ## rewrite the golden files from what is drawn now
	@go test ./tui/... ./cmd/... ./server/internal/access -update

.PHONY: words
words: ## bring the catalogues of words/po up to the code; what is left empty wants a translation
	@go test ./words -run '^TestCatalogues$$' -update

TARGETS ?= linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64
PACK    := go run ./deploy/packages -version "$(VERSION)" -commit "$(COMMIT)" -date "$(DATE)" -nfpm "$(NFPM_BIN)" -targets "$(TARGETS)"

.PHONY: screens
screens: build setup ## take the pictures and the recording in docs/img from the running programs
	@data=$$(mktemp -d /var/tmp/cmh-screens.XXXXXX); trap 'rm -rf "$$data"' EXIT; chmod 755 "$$data"; \
	CMH_DATA_DIR=$$data CMH_API_ADDR=127.0.0.1:0 CMH_SSH_ADDR=127.0.0.1:0 CMH_RUN=docs/screens/take.sh deploy/local/run.sh

.PHONY: packages
packages: $(NFPM_BIN) ## make all packages of cmh, for three systems, in dist (TARGETS=linux/amd64: some)
	@$(PACK) -out dist
	@cd dist && sha256sum --quiet -c checksums.txt && ls -sh1

.PHONY: packages-check
packages-check: $(NFPM_BIN) ## make packages twice, in two folders: both must be the same (FRESH=1: compiled anew)
	@deploy/local/twice.sh "$(NFPM_BIN)" "$(TARGETS)"

.PHONY: man
man: build ## write the manual pages of cmh, made of its commands, into dist/man
	@bin/cmh man dist/man
	@echo "dist/man: $$(ls dist/man | wc -l) pages"

.PHONY: clean
clean: ## remove what was built here
	@rm -rf bin dist .cache coverage.out

$(TOOLS)/docker-compose-$(COMPOSE)/docker-compose:
	@echo "Building docker compose $(COMPOSE), once."
	@mkdir -p $(@D)
	@cd "$$(go mod download -json github.com/docker/compose/v2@v$(COMPOSE) | sed -n 's/^\t"Dir": "\(.*\)",$$/\1/p')" && CGO_ENABLED=0 $(BUILD) -ldflags '-s -w' -o $@ ./cmd

$(NFPM_BIN):
	@echo "Building nfpm $(NFPM), once."
	@GOBIN=$(@D) go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v$(NFPM)

$(GQLGEN_BIN):
	@echo "Building gqlgen $(GQLGEN), once."
	@GOBIN=$(@D) go install github.com/99designs/gqlgen@$(GQLGEN)

$(GOLANGCI_BIN):
	@echo "Building golangci-lint $(GOLANGCI), once."
	@GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(GOLANGCI)
