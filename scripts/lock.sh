#!/bin/sh
# Compiles the locks anew. All versions are those of requirements.txt; it changes only where pyproject.toml does, or by
# --upgrade, or --upgrade-package NAME.
set -eu
cd "$(dirname "$0")/.."
uv="${UV:-.venv/bin/uv}"

compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header "$@"
}
compile --all-extras pyproject.toml --output-file requirements.txt "$@"
compile serving/requirements.in --constraints requirements.txt --output-file serving/requirements.txt
compile pyproject.toml infra/images/airflow.in --constraints requirements.txt --output-file infra/images/airflow.txt
