# make demo   the whole experiment on drawn faces: a few minutes on two CPU cores, nothing downloaded
# make test   the unit tests and one run of the whole graph: 6 minutes on two CPU cores
# make test-all   all that has to pass before a change lands, with a real Slurm where one can be set up
# make test-nightly   what is left: the rarer troubles of a cluster, compiled losses, the benchmarks' programs
# make test-slurm   the profile on a real Slurm, set up for it: as root, with the packages that tests/slurm_cluster.py names
# make clean  the demo's results, and nothing else
# make bench  speed beside the peers': 20 minutes on two idle cores; ROW=training measures that row alone
# make bench-gpu  the same on a GPU, in $(PYTHON)'s own environment; what is not installed there is left out
# make report CONFIG=config/config.yaml   Snakemake's HTML report, results/report.html
# make docs   the documentation: site/index.html
# make watch   the running trainings, live: epoch, loss, images/s, time left
# make compare A=results/old B=results/new   what changed, also as results/compare.csv and .html; FORCE=1 across protocols

PYTHON ?= python3
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --profile profiles/local --cores $(CORES)
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
CONFIG ?= config/demo.yaml
BENCH := benchmarks/.venv
ROWS := training sampling shards loading inception frechet ssim memory precision demo scaling
GPU_ROWS := training sampling shards loading inception ssim memory precision scaling

.PHONY: install demo test test-all test-nightly test-slurm lint docs report watch compare clean bench bench-gpu

install: $(VENV)/installed

demo: $(VENV)/installed
	@$(SNAKEMAKE) --configfile config/demo.yaml
	@cat results/demo/tables/summary.txt
	@echo "Tables: results/demo/tables (CSV, LaTeX, HTML)"
	@echo "Report: $$(ls results/demo/report/report.pdf 2>/dev/null || echo results/demo/report/report.tex)"

test: $(VENV)/installed-dev
	@$(PYTEST) -m "not (slow or slurm or nightly)"

test-all: $(VENV)/installed-dev
	@$(PYTEST) -m "not nightly"

test-nightly: $(VENV)/installed-dev
	@$(BIN)/python -m pytest -m nightly

test-slurm: $(VENV)/installed-dev
	@CI=true $(BIN)/python -m pytest -m slurm

lint: $(VENV)/installed-dev
	@$(BIN)/ruff check src workflow tests benchmarks docs
	@$(BIN)/ruff format --check src workflow tests benchmarks docs
	@$(BIN)/snakefmt --check Snakefile workflow
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports
	@$(MKDOCS)
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.citation-file-format CITATION.cff
	@$(BIN)/python -m pytest tests/workflow/test_lint.py

docs: $(VENV)/installed-dev
	@$(BIN)/python docs/configuration_reference.py
	@$(MKDOCS)
	@echo "Pages: site/index.html"

report: $(VENV)/installed
	@$(SNAKEMAKE) --configfile $(CONFIG) --report results/report.html --report-stylesheet workflow/report/style.css

compare: $(VENV)/installed
	@$(BIN)/vaematrix compare "$$A" "$$B" --output results/compare $(if $(FORCE),--across-protocols)

watch: $(VENV)/installed
	@$(BIN)/vaematrix watch

clean:
	rm -rf results/demo resources/drawn logs/demo

bench: $(BENCH)/installed
	@for row in $(or $(ROW),$(ROWS)); do $(BENCH)/bin/python benchmarks/$$row.py $(QUICK) || exit 1; done
	@$(BENCH)/bin/python benchmarks/harness.py

bench-gpu:
	@for row in $(or $(ROW),$(GPU_ROWS)); do $(PYTHON) benchmarks/$$row.py --gpu $(QUICK) || echo "$$row failed"; done
	@$(PYTHON) benchmarks/harness.py

$(VENV)/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; ok = (3, 11) <= v <= (3, 13); sys.exit(None if ok else \
		"vaematrix needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is %d.%d; try: make PYTHON=python3.12" % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned requirements into $(VENV) (torch is large: several minutes) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(BENCH)/installed: requirements.txt benchmarks/requirements.txt
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@echo "Installing the project's and the peers' requirements into $(BENCH) (several minutes) ..."
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check $(^:%=-r %)
	@touch $@
