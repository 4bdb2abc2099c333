"""Many streets: same plan whoever works, restart, broken streets, killed processes."""

import json
import os
import signal
from pathlib import Path

import geopandas as gpd
import pytest
from typer.testing import CliRunner

from gridmgmt.cli.plan import app
from gridmgmt.errors import InvalidInput
from gridmgmt.planning import city
from gridmgmt.planning.city import Street, plan_city, plan_street
from gridmgmt.planning.city_ledger import LEDGER, Order
from tests.builders_planning import make_lattice

ORDER = Order(preset="flash", seed=3)


def make_street(number: int, households: int = 50) -> gpd.GeoDataFrame:
    """Two communities of 32 square atoms each."""
    atoms = make_lattice(8, 8, households=[households + (n * 7 + number) % 11 for n in range(64)])
    left = (atoms.centroid.x - atoms.total_bounds[0]) < 400
    atoms["community_code"] = [f"120116{number:03d}{1 if west else 2:03d}" for west in left]
    return atoms


def streets(count: int = 4) -> list[Street]:
    return [Street(f"120116{n:03d}", lambda n=n: make_street(n)) for n in range(1, count + 1)]


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_finished_street_is_taken_over_unless_input_seed_or_file_changed(tmp_path):
    def statuses(order: Order = ORDER, changed: int = 0) -> list[str]:
        given = streets(2)
        if changed:
            given[0] = Street(given[0].code, lambda: make_street(1, 50 + changed))
        return [entry.status for entry in plan_city(given, tmp_path, order, workers=0)]

    assert ["planned", "planned"] == statuses()
    assert ["taken_over", "taken_over"] == statuses()
    assert ["planned", "taken_over"] == statuses(changed=1)
    assert ["planned", "taken_over"] == statuses()
    assert ["planned", "planned"] == statuses(Order(preset="flash", seed=4))
    (tmp_path / "120116002.parquet").write_bytes(b"torn")
    assert ["taken_over", "planned"] == statuses(Order(preset="flash", seed=4))


def test_a_broken_street_is_an_entry_with_its_code_and_the_rest_goes_on(tmp_path):
    def heavy() -> gpd.GeoDataFrame:
        atoms = make_street(2)
        atoms.loc[0, "households"] = 900
        return atoms

    given = streets(3)
    given[1] = Street(given[1].code, heavy)
    given.append(Street("without", lambda: make_street(9).drop(columns="households")))
    entries = plan_city(given, tmp_path, ORDER, workers=0)
    assert ["planned", "failed", "planned", "failed"] == [entry.status for entry in entries]
    assert ["infeasible", "invalid_input"] == [entry.error for entry in entries if entry.error]
    assert {"120116001.parquet", "120116003.parquet", LEDGER} == files(tmp_path)
    assert entries == sorted(entries, key=lambda entry: entry.street)
    assert 4 == len(json.loads((tmp_path / LEDGER).read_text("utf-8")))


def deadly(atoms: gpd.GeoDataFrame, order: Order) -> city.Planned:
    """Street 2 kills the first process that is given it, street 3 every one."""
    number = int(atoms["community_code"].iloc[0][6:9])
    mark = Path(os.environ["DEATHS"], str(number))
    if number == 3 or (number == 2 and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return plan_street(atoms, order)


def test_two_workers_plan_as_this_process_does_though_killed_and_a_street_that_always_kills_is_given_up(
    tmp_path, monkeypatch
):
    # One cluster for both rules: every process that is started costs seconds of imports.
    whole = plan_city(streets(), tmp_path / "whole", ORDER, workers=0)
    monkeypatch.setenv("DEATHS", str(tmp_path))
    monkeypatch.setattr(city, "plan_street", deadly)
    entries = plan_city(streets(), tmp_path / "killed", ORDER, workers=2)
    assert ["planned", "planned", "failed", "planned"] == [entry.status for entry in entries]
    assert "worker_lost" == entries[2].error
    assert [whole[0], whole[1], whole[3]] == [entries[0], entries[1], entries[3]]
    for number in (1, 2, 4):
        name = f"120116{number:03d}.parquet"
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes()
    cells = gpd.read_parquet(tmp_path / "killed" / "120116001.parquet")
    assert cells["code"].is_unique
    assert 64 * 50 < cells["households"].sum() == make_street(1)["households"].sum()


def test_streets_are_told_apart_by_the_names_of_their_files(tmp_path):
    for codes in (["a", "a"], ["../a"], [""]):
        with pytest.raises(InvalidInput):
            plan_city([Street(code, lambda: make_street(1)) for code in codes], tmp_path, ORDER, workers=0)


def test_the_command_takes_one_file_or_a_folder_and_fails_when_a_street_has_none(tmp_path):
    folder = tmp_path / "streets"
    folder.mkdir()
    make_street(1).to_parquet(folder / "120116001.parquet")
    make_street(2).to_file(folder / "120116002.gpkg", layer="atoms")
    both = gpd.pd.concat([make_street(1), make_street(2)], ignore_index=True)
    both.to_parquet(tmp_path / "all.parquet")
    common = ["--workers", "0", "--preset", "flash", "--quiet"]
    for source in (folder, tmp_path / "all.parquet"):
        result = CliRunner().invoke(
            app, ["city", str(source), str(tmp_path / f"plans-{source.stem}"), *common]
        )
        assert 0 == result.exit_code, result.output
        assert "2 planned, 0 taken over, 0 failed" in result.output
    (folder / "broken.gpkg").write_bytes(b"nothing")
    out = str(tmp_path / "again")
    result = CliRunner().invoke(app, ["city", str(folder), out, *common])
    assert 1 == result.exit_code
    assert "2 planned, 0 taken over, 1 failed" in result.output
    result = CliRunner().invoke(app, ["city", str(folder), str(folder), *common])
    assert isinstance(result.exception, InvalidInput)
