# A bare checkout with Python 3.11 or newer is enough: every target installs what it needs, once.
PYTHON ?= python3
export PYTHON
BIN := .venv/bin
READY := .venv/ready
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.PHONY: up demo test check bench docs lock mails token clean

# Run the whole system here; FILE=lieux.csv imports that file.
up: $(READY) ; @exec $(BIN)/python -m services up $(if $(FILE),--file "$(FILE)")
# The main story, played on the running system.
demo: $(READY) ; @exec $(BIN)/python -m services demo
# All tests; ARGS=… goes to pytest.
test: $(READY) ; @exec $(BIN)/python -m pytest $(ARGS)
# Format, lint, types, layers.
check: $(READY) ; @$(BIN)/ruff format --check && $(BIN)/ruff check && $(BIN)/mypy && $(BIN)/lint-imports
bench: $(READY) ; @exec $(BIN)/python -m bench $(ARGS)
# Write again what docs/ has from the code.
docs: $(READY) ; @exec $(BIN)/python -m tools.docs
# After a change in pyproject.toml; ARGS=--upgrade takes newer versions of everything.
lock: $(READY) ; @$(COMPILE) $(ARGS) pyproject.toml -o requirements.lock && $(COMPILE) $(ARGS) pyproject.toml --group embedded --group dev -c requirements.lock -o requirements-dev.lock
# The mails that were sent; LAST=3 lists three.
mails: $(READY) ; @exec $(BIN)/python -m services mails $(if $(LAST),--last $(LAST))
# A token for curl: NAME=Ada ROLE=moderator EMAIL=ada@example.org
token: $(READY) ; @exec $(BIN)/python -m services token "$(or $(NAME),dev)" $(if $(ROLE),--role $(ROLE)) $(if $(EMAIL),--email "$(EMAIL)")
# Everything that can be made again; never var/, where your data is.
clean: ; @rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache && find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements-dev.lock ; @tools/bootstrap
