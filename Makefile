# Every target does its own set-up; a set-up that is done takes no time.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PLAN ?=
ARGS ?=
ROUNDS ?= 500
MINUTES ?= 60
SECONDS ?= 60

.PHONY: help run test again check lint format bench bench-detect bench-failover bench-replay bench-alerts bundle test-deploy soak fuzz docs parts clean

help:  ## this text
	@echo "make run                 the lab: a world in miniature to break things in (Ctrl-C ends)"
	@echo "make run PLAN=plan.toml  your own world: collector and one probe on this machine"
	@echo "make test                all tests, with the real servers they need"
	@echo "make check               ruff, mypy, import-linter and the fast tests"
	@echo "make bench               measures, and writes docs/benchmarks.md"
	@echo "make bench-detect        detection in a simulated world, for an hour or more; writes docs/detection.md"
	@echo "make bench-replay        a region that flaps, replayed with a hundred seeds, for half an hour on two cores; writes docs/failover.md"
	@echo "make bench-failover      policies of failing over and back, for ten minutes; writes docs/failover.md"
	@echo "make bench-alerts        from the deciding observation to the webhook's bytes, at 5,000 observations a second"
	@echo "make soak                kill -9, $(ROUNDS) rounds, and a probe for $(MINUTES) minutes"
	@echo "make fuzz                spoils DNS messages for $(SECONDS) s, to break what reads them"
	@echo "make bundle              what hosts are installed from, in dist/bundle; docs/deploy.md"
	@echo "make test-deploy         hosts in containers: installed, upgraded, spoilt, removed; an hour, as root"
	@echo "make docs                docs/plan.md and docs/config.md from the types"
	@echo "make clean               removes the virtual environment, servers from package registries, and caches"

run: $(VENV)/.run
	@$(BIN)/parallax up $(if $(PLAN),--plan $(PLAN)) $(ARGS)

# What only computes goes side by side, while the image of a host is made; what measures by the clock, and mostly waits,
# goes by twos; a network of hosts goes by itself. 5: nothing to run.
test: $(VENV)/.test parts
	@failed=0; \
	run() { $(BIN)/pytest "$$@" $(ARGS); case $$? in 0|5) ;; 1) failed=1 ;; *) failed=2 ;; esac; }; \
	tools/setup.sh host & \
	run -q -n auto -m "not alone and not deploy"; \
	run -n 2 --dist loadgroup -m alone; \
	wait; run -m deploy $(if $(ARGS),,tests/deploy); \
	[ $$failed = 0 ] || { [ $$failed = 1 ] && $(MAKE) --no-print-directory again; }

# A machine that stalls for a minute breaks the deadlines of whatever runs in that minute. So those that failed beside
# others have to pass by themselves, one after the other, and are named; more than these are no stalled minute. What
# failed is not left out for lack of time.
AT_MOST := 24
FAILED = env -u PARALLAX_UNTIL $(BIN)/pytest --lf --lfnf none $(ARGS)
again: $(VENV)/.test
	@count=$$($(FAILED) --collect-only -q -o addopts= | grep -c '::'); \
	echo "make test: $$count failed beside others; at most $(AT_MOST) are tried again, each by itself"; \
	[ $$count -ge 1 ] && [ $$count -le $(AT_MOST) ] && $(FAILED) -v

check: lint
	$(BIN)/pytest -q -n auto -m "not slow" $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.test parts
	$(BIN)/python -m bench.report docs/benchmarks.md

bench-detect: $(VENV)/.test
	$(BIN)/python -m bench.detect --months 240 --outages 300 --pages $(ARGS)

bench-replay: $(VENV)/.test
	$(BIN)/python -m bench.replay --seeds 100 --pages

bench-failover: $(VENV)/.test
	$(BIN)/python -m bench.failover --patterns 2000 --pages

bench-alerts: $(VENV)/.test
	$(BIN)/python -m bench.alerts $(ARGS)

soak: $(VENV)/.test parts
	PARALLAX_SOAK_ROUNDS=$(ROUNDS) PARALLAX_KILL_ROUNDS=$(ROUNDS) $(BIN)/pytest -k kill $(ARGS)
	$(BIN)/python -m bench.probe $(MINUTES)

fuzz: $(VENV)/.test
	$(BIN)/python -m tests.probe.dns.fuzz $(SECONDS)

bundle: $(VENV)/.test
	$(BIN)/python -m tools.bundle $(ARGS)

test-deploy: $(VENV)/.test
	@tools/setup.sh deploy
	PARALLAX_DEPLOY=all $(BIN)/pytest tests/deploy $(ARGS)

docs: $(VENV)/.test
	$(BIN)/python -m tools.docs

parts:
	@tools/setup.sh parts

$(VENV)/.run: pyproject.toml tools/setup.sh
	@tools/setup.sh venv $(VENV) probe,collector
	@touch $@

$(VENV)/.test: pyproject.toml tools/setup.sh
	@tools/setup.sh venv $(VENV) test
	@touch $(VENV)/.run $@

clean:
	rm -rf $(VENV) .parts .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
