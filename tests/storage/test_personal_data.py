"""The inventory of personal data and the tables agree, and what it says is sealed lies sealed."""

import pytest
from sqlalchemy import LargeBinary

from gridmgmt.domain.personal import Field
from gridmgmt.storage import sealed
from gridmgmt.storage.inventory import inventory
from gridmgmt.storage.tables import metadata
from tests.architecture.sources import ROOT

COLUMNS = {(t.name, c.name) for t in metadata.tables.values() for c in t.columns}
LISTED = [(c.table, c.column) for c in inventory().personal] + sorted(inventory().others)


def test_every_column_of_every_table_is_in_the_inventory_once() -> None:
    """A new column is written into gridmgmt/storage/personal_data.toml: personal, or among "none"."""
    assert set() == COLUMNS - set(LISTED), "these columns are not in the inventory"
    assert set() == set(LISTED) - COLUMNS, "these columns of the inventory are in no table"
    assert len(set(LISTED)) == len(LISTED)


def test_what_the_inventory_calls_sealed_is_no_text() -> None:
    for column in inventory().personal:
        if column.sealed in {"key ring", "subject key", "keyed hash"}:
            kind = metadata.tables[f"app.{column.table}"].c[column.column].type
            assert isinstance(kind, LargeBinary), column


@pytest.mark.parametrize("mask", [Field.CONTACT_NAME, Field.CONTACT_PHONE])
def test_contacts_lie_sealed_wherever_they_are(mask: Field) -> None:
    assert {"key ring"} == {c.sealed for c in inventory().personal if c.mask is mask}


def test_whatever_lies_under_the_key_ring_is_sealed_anew_when_keys_change() -> None:
    known = {(c.table, c.column) for c in sealed.SEALED_COLUMNS}
    assert known | sealed.AS_THEY_ARE == {
        (c.table, c.column) for c in inventory().personal if c.sealed == "key ring"
    }


def test_a_column_under_the_key_ring_is_named_after_its_key() -> None:
    for column in sealed.SEALED_COLUMNS:
        table = metadata.tables[f"app.{column.table}"]
        assert [column.key] == [c.name for c in table.primary_key.columns]


def test_the_inventory_is_what_the_package_carries() -> None:
    assert 'gridmgmt = ["storage/*.toml"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
