# A handful of verbs. Each sets up what it needs and is harmless to run twice.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test lint check pictures bench bench-cameras bench-review lock scenes train clean

help:  ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 22

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Pointwatch needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 setup"; exit 1; }
	@$(PYTHON) -m venv .venv || \
		{ rm -rf .venv; echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@touch $@

.venv/core: .venv/made requirements.lock requirements-privacy.lock pyproject.toml
	$(BIN)/pip install --quiet --no-warn-conflicts --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements-privacy.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

.venv/dev: .venv/core requirements-dev.lock requirements-accessibility.lock
	$(BIN)/pip install --quiet --no-warn-conflicts --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements-accessibility.lock
	@touch $@

.venv-train/made: requirements-train.lock pyproject.toml
	$(PYTHON) -m venv .venv-train
	.venv-train/bin/pip install --quiet --no-warn-conflicts --require-hashes -r requirements-train.lock
	.venv-train/bin/pip install --quiet --no-deps --editable .
	@touch $@

.venv-train/dev: .venv-train/made requirements-dev.lock
	.venv-train/bin/pip install --quiet --no-warn-conflicts --require-hashes -r requirements-dev.lock
	@touch $@

.venv-labels/made:
	$(PYTHON) -m venv .venv-labels
	.venv-labels/bin/pip install --quiet 'label-studio>=1.23,<2'
	@touch $@

.venv-scenes/made: training/scenes/requirements.txt
	$(PYTHON) -m venv .venv-scenes
	.venv-scenes/bin/pip install --quiet -r training/scenes/requirements.txt
	@touch $@

setup: .venv/core  ## install Pointwatch into .venv

demo: .venv/core  ## the main job on the shipped pictures; leaves the service and its page running
	$(BIN)/pointwatch demo

serve: .venv/core  ## run the service
	$(BIN)/pointwatch serve

test: .venv/dev  ## all tests
	@.ci/packages
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/dev  ## format, style, types, room rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test  ## what a change must pass

pictures: .venv/dev  ## take the pictures of the guide and the README anew, from the demo
	POINTWATCH_PICTURES=docs/guide/pictures $(BIN)/python -m pytest tests/docs/test_guide.py -q -k picture

bench: .venv-train/made  ## the pipeline against Ultralytics' own predict, in one run
	.venv-train/bin/python -m benchmarks

bench-cameras: .venv/dev  ## how many 1080p cameras keep up, beside a plain loop of OpenCV, in one run
	@.ci/packages
	$(BIN)/python -m benchmarks.cameras

bench-review: .venv/dev .venv-labels/made  ## 5,000 tasks to a real Label Studio and their verdicts back (TASKS=n)
	$(BIN)/python -m benchmarks.review_load --tasks $(or $(TASKS),5000)

lock: .venv/dev  ## resolve the versions anew and write the lock files
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --quiet --upgrade -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --quiet --upgrade --group dev --extra postgres -c requirements.lock \
		-o requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --quiet --upgrade --extra train -c requirements.lock -o requirements-train.lock
	$(BIN)/uv pip compile --group pyproject.toml:privacy --no-deps --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" --quiet --upgrade -o requirements-privacy.lock
	$(BIN)/uv pip compile --group pyproject.toml:accessibility --no-deps --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --custom-compile-command "make lock" --quiet --upgrade \
		-o requirements-accessibility.lock

scenes: .venv-scenes/made  ## render street scenes (slow; OUT=dir COUNT=n SEED=n)
	.venv-scenes/bin/python -m training.scenes --out $(or $(OUT),var-scenes/train) --count $(or $(COUNT),150) --seed $(or $(SEED),1000)

train: .venv-train/made  ## one stage of training (hours; STAGE=name, the order stands in training/README.md)
	.venv-train/bin/python -m training.train $(or $(STAGE),first)

clean:  ## forget the environments, keep the data
	rm -rf .venv .venv-train .venv-scenes .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
