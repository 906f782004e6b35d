# The project's commands. `make help` lists them. Needs make and Python 3.11 or newer; everything else goes into .venv.

PORT ?= 8000
ARGS ?=
export PORT

# The virtualenv's own Python while it works, so that a newer Python on the PATH does not rebuild it.
find_python = for python in .venv/bin/python python3.13 python3.12 python3.11 python3; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; done; \
	if [ -z "$$python" ]; then echo "Python 3.11 or newer is needed, and none is on the PATH. Install one and try again." >&2; exit 1; fi
# `exec`, here and below, because make passes SIGTERM on to the first process of a line alone.
site_packages = $(find_python); exec "$$python" deploy/install.py
dev_packages = $(find_python); exec "$$python" deploy/install.py --dev
pin = .venv/bin/python -m uv pip compile --universal --python-version 3.11 --generate-hashes --quiet \
	--custom-compile-command "make lock" $(ARGS)

# Throwaway values that look like a real site's, so that Django checks what production would see.
as_in_production = folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && env -i PATH="$$PWD/.venv/bin:$$PATH" \
	VAR_DIR="$$folder" ALLOWED_HOSTS=clinic.example SITE_URL=https://clinic.example \
	SECRET_KEY=thrown-away-after-this-check-0123456789-abcdefghijklmnop \
	DATA_KEYS=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY= sh -ec

.PHONY: help run dev test lint bench faults lock messages clean
.DEFAULT_GOAL := help

help: ## list these commands
	@sed -n 's/^\([a-z]*\): ## /make \1\t/p' Makefile

run: ## serve the site at http://127.0.0.1:$PORT (PORT=8000) with its message sender beside it
	@$(site_packages)
	@exec .venv/bin/python deploy/run.py

dev: ## the same on Django's development server: DEBUG on, reloads on every change
	@$(site_packages)
	@exec .venv/bin/python deploy/run.py --dev

test: ## run the tests on SQLite, or on TEST_DATABASE_URL=postgres://...; ARGS="-k name" picks some
	@$(dev_packages)
	@exec .venv/bin/python -m pytest -n auto $(ARGS)

lint: ## linters, types, templates, missing migrations, Django's deployment checks
	@$(dev_packages)
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy
	.venv/bin/python -m djlint templates --lint --quiet
	@echo "manage.py makemigrations --check; manage.py check --deploy"
	@$(as_in_production) 'python manage.py makemigrations --check --dry-run && python manage.py check --deploy --fail-level WARNING'

bench: ## what the desk, starting, reading, accepting and free times cost, as ratios; mail; a flood. ARGS="--large 1000000" for a larger desk
	@$(dev_packages)
	@missed=0; \
	.venv/bin/python bench/desk.py $(ARGS) || missed=1; \
	for one in starting in_process reading accept free_times mail flood; do .venv/bin/python bench/$$one.py || missed=1; done; \
	.venv/bin/python bench/booking.py || [ $$? -eq 2 ] || missed=1; \
	exit $$missed

faults: ## kill the site two hundred times under load, cut its power a hundred times, keep 800 slow clients; ten minutes, by hand
	@$(dev_packages)
	@missed=0; for one in kills power_cuts slow_clients; do .venv/bin/python -m tests.faults.$$one || missed=1; done; exit $$missed

lock: ## pin requirements.in and requirements-dev.in anew, with hashes, and list them in docs/sbom.cdx.json; ARGS="--upgrade" takes newer versions
	@$(dev_packages)
	$(pin) requirements.in -o requirements.txt
	$(pin) requirements-dev.in -o requirements-dev.txt
	.venv/bin/python deploy/sbom.py

messages: ## collect the words of the public pages anew and compile the Spanish ones; needs gettext
	@$(dev_packages)
	.venv/bin/python manage.py makemessages --locale es --no-obsolete --no-wrap --add-location file \
		--ignore "tests/*" --ignore "var/*" --ignore "templates/admin/*"
	.venv/bin/python manage.py compilemessages --locale es --ignore .venv

clean: ## remove .venv and caches; var/ with the clinic's data stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
