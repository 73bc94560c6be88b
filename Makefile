# make install  only the packages, into .venv
# make run    the series, notebook by notebook, on real weights
# make test   lint, unit tests, static checks, all notebooks on a tiny model,
#             in order and each alone in an empty folder
# make test-colab  each notebook alone on what Colab ships (Python 3.13, 8 GB)
# make test-browser  the pages as GitHub draws them, JupyterLab stepped through and
#             TensorBoard, in Chromium (installed by apt where it is missing)
# make docs   re-execute in place, for the record
# make bench  our training and evaluation beside the reference recipe's
# make study  every run of the study, goes on where it was stopped;
#             MINUTES=60 begins none after so many
# make exam   the sealed exam, once for each released recipe
# make badges REPO=owner/name    point every link at another repository

PYTHON ?= python3
BIN := .venv/bin
# Same set-up for every target: made again when a requirement changes.
STAMP := .venv/installed

.PHONY: install run test test-browser test-colab docs study bench exam badges clean

install: $(STAMP)

run: $(STAMP)
	$(BIN)/python scripts/record.py run

test: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q --hypothesis-profile=ci -n 2 --dist loadfile tests

test-colab: $(STAMP)
	$(BIN)/python scripts/colab.py $(ONLY)

test-browser: $(STAMP)-browser
	scripts/install_chromium
	$(BIN)/python -m pytest -q tests/browser

docs: $(STAMP)
	$(BIN)/python scripts/record.py docs $(ONLY)

study: $(STAMP)
	$(BIN)/python scripts/study.py $(MINUTES)

bench: $(STAMP)
	$(BIN)/python scripts/bench.py

exam: $(STAMP)
	$(BIN)/python scripts/exam.py

badges: $(STAMP)
	$(BIN)/python scripts/pages/series.py rename $(REPO)

$(STAMP): requirements.txt constraints.txt tests/requirements.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
	  { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -r requirements.txt -r tests/requirements.txt -c constraints.txt
	touch $@

$(STAMP)-browser: $(STAMP) tests/browser/requirements.txt
	$(BIN)/pip install --quiet -r tests/browser/requirements.txt -c constraints.txt
	touch $@

clean:
	rm -rf .venv artifacts tutorial
