"""Data are opened for a purpose, and each purpose opens its fields and no others."""

from uuid import UUID

import pytest

from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.purposes import (
    EXPORT_FIELDS,
    REVEALING,
    ExportAsk,
    ExportFormat,
    Purpose,
    check_approval,
    check_export,
    check_reveal,
    check_use,
    limited_to_unit,
    needs_approval,
)
from gridmgmt.errors import BeyondPurpose, InvalidInput, MissingFact, OwnRequest

PERSONAL = {"description", "contact_name", "contact_phone"}
# Which purpose opens which personal field; every purpose opens every other field.
OPENED = {
    Purpose.CASE_HANDLING: {"description"},
    Purpose.CALLBACK: {"contact_name", "contact_phone"},
    Purpose.EMERGENCY: PERSONAL,
    Purpose.VERIFICATION: {"description"},
    Purpose.INSPECTION: {"description"},
    Purpose.STATISTICS: set(),
    Purpose.LEGAL: PERSONAL,
}


def ask(*fields: str, purpose: Purpose = Purpose.STATISTICS, **over: object) -> ExportAsk:
    return ExportAsk(
        **{"purpose": purpose, "note": "月度统计", "format": ExportFormat.CSV, "fields": fields} | over
    )


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("field", EXPORT_FIELDS)
def test_a_purpose_opens_the_fields_that_are_written_down(purpose: Purpose, field: str) -> None:
    assert (field in PERSONAL) == EXPORT_FIELDS[field].personal
    if field not in PERSONAL or field in OPENED[purpose]:
        check_export(ask(field, purpose=purpose))
    else:
        with pytest.raises(BeyondPurpose) as refused:
            check_export(ask("number", field, purpose=purpose))
        assert {"purpose": purpose, "fields": [field]} == refused.value.facts


@pytest.mark.parametrize("fields", [(), ("number", "number"), ("password_hash",), ("number", "name")])
def test_an_export_names_fields_of_the_catalogue_once_each(fields: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        check_export(ask(*fields))


@pytest.mark.parametrize("kind", [ExportFormat.GPKG, ExportFormat.GEOJSON])
def test_a_geographic_file_needs_a_position(kind: ExportFormat) -> None:
    check_export(ask("number", "lon", "lat", format=kind))
    with pytest.raises(InvalidInput):
        check_export(ask("number", "lon", format=kind))


@pytest.mark.parametrize("note", ["", "    ", "abc"])
def test_a_purpose_comes_with_a_reason(note: str) -> None:
    with pytest.raises(MissingFact):
        check_export(ask("number", note=note))
    with pytest.raises(MissingFact):
        check_reveal(Purpose.CALLBACK, note)


@pytest.mark.parametrize(
    ("personal", "rows", "needed"),
    [(False, 0, False), (False, 1000, False), (False, 1001, True), (True, 0, True), (True, 1, True)],
)
def test_personal_data_and_over_a_thousand_rows_need_a_second_person(
    personal: bool, rows: int, needed: bool
) -> None:
    assert needed == needs_approval(personal=personal, rows=rows)


@pytest.mark.parametrize("purpose", Purpose)
def test_use_for_another_purpose_is_refused(purpose: Purpose) -> None:
    for other in Purpose:
        if other is purpose:
            check_use(purpose, other)
        else:
            with pytest.raises(BeyondPurpose):
                check_use(purpose, other)


@pytest.mark.parametrize("purpose", Purpose)
def test_a_contact_is_shown_only_for_purposes_that_need_it(purpose: Purpose) -> None:
    if purpose in REVEALING:
        check_reveal(purpose, "回访办理结果")
    else:
        with pytest.raises(BeyondPurpose):
            check_reveal(purpose, "回访办理结果")


def test_nobody_approves_his_own() -> None:
    me = Actor(UUID(int=1), "某人", frozenset({Role.DIRECTOR}), frozenset())
    with pytest.raises(OwnRequest):
        check_approval(me.id, me)
    check_approval(UUID(int=2), me)


def test_a_handler_alone_takes_out_his_own_units_cases() -> None:
    def holder(*roles: Role) -> Actor:
        return Actor(UUID(int=1), "某人", frozenset(roles), frozenset())

    assert limited_to_unit(holder(Role.HANDLER))
    assert not limited_to_unit(holder(Role.HANDLER, Role.DISPATCHER))
