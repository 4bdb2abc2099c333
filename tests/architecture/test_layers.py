"""The import contracts of pyproject.toml hold, and no package stands outside them."""

import tomllib
from typing import Any

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.architecture.sources import ROOT

# Read by api, cli, demo and worker; a contract of its own keeps everything further in away from it.
OUTSIDE_THE_LAYERS = {"gridmgmt.settings", "gridmgmt.__main__"}


def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return found


def test_the_import_contracts_hold(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert EXIT_STATUS_SUCCESS == status, capsys.readouterr().out


def test_every_package_has_its_layer() -> None:
    layers = next(contract["layers"] for contract in contracts() if contract["type"] == "layers")
    placed = {name.strip(" ()") for layer in layers for name in layer.split("|")}
    found = {
        f"gridmgmt.{path.stem}"
        for path in (ROOT / "gridmgmt").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    } - {"gridmgmt.__init__"}
    assert placed - {"api"} | OUTSIDE_THE_LAYERS == found


def test_the_domain_is_kept_from_every_library_that_does_input_or_output() -> None:
    pure = next(c for c in contracts() if c["name"] == "The domain is pure")
    assert {"gridmgmt.domain", "gridmgmt.geo", "gridmgmt.errors"} == set(pure["source_modules"])
    kept_out = {"sqlalchemy", "geoalchemy2", "fastapi", "pydantic", "httpx", "geopandas", "pandas", "folium"}
    assert kept_out <= set(pure["forbidden_modules"])
