"""An export is asked for, approved by somebody else, made by the worker, taken by one person for a day."""

import csv
import io
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pyogrio
import pytest
from sqlalchemy import text

from gridmgmt.adapters.keyring import FileKeyRing
from gridmgmt.adapters.sealedfiles import SealedFiles
from gridmgmt.domain.org import Actor
from gridmgmt.domain.personal import Contact
from gridmgmt.domain.purposes import ExportAsk, ExportFormat, Purpose
from gridmgmt.errors import (
    BeyondPurpose,
    ContentDiffers,
    Erased,
    MissingFact,
    NotAllowed,
    NotFound,
    NotReady,
    OwnRequest,
    SealBroken,
    TooLarge,
)
from gridmgmt.services import exporting, exports
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import exports as kept
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW, STREET
from tests.builders_privacy import CONTACT, PHONE, WORDS, confide, make_keys
from tests.builders_street import Street

PLAIN = ("number", "state", "reported_at", "lon", "lat")


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


@pytest.fixture
def keys(tmp_path: Path) -> FileKeyRing:
    return make_keys(tmp_path)


@pytest.fixture
def files(tmp_path: Path, keys: FileKeyRing) -> SealedFiles:
    return SealedFiles(tmp_path / "exports", keys, exporting.FILES)


def ask(street: Street, by: Actor, *, most_rows: int = 100, **over: Any) -> dict[str, Any]:
    facts = {"purpose": Purpose.STATISTICS, "note": "月度统计", "format": ExportFormat.CSV, "fields": PLAIN}
    export_id = over.pop("id", uuid.uuid4())
    return exports.ask(street.db, by, street.now, export_id, ExportAsk(**facts | over), most_rows=most_rows)


def make(street: Street, keys: FileKeyRing, files: SealedFiles) -> None:
    while claimed := kept.claim(street.db, street.now):
        exporting.make(street.db, keys, files, street.now, claimed, most_rows=100)


def take(street: Street, files: SealedFiles, export: dict[str, Any], by: Actor, **over: Any) -> bytes:
    purpose = over.get("purpose", Purpose(export["purpose"]))
    return exports.take(street.db, files, by, street.now, export["id"], purpose).content


def approve(street: Street, export: dict[str, Any], by: Actor | None = None, **over: Any) -> dict[str, Any]:
    answer = {"granted": True, "opinion": ""} | over
    return exports.decide(street.db, by or street.director, street.now, export["id"], **answer)


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_without_personal_fields_the_worker_makes_it_at_once(
    street: Street, keys: FileKeyRing, files: SealedFiles
) -> None:
    case = street.report()
    export = ask(street, street.shift_leader)
    assert ("queued", 1, False) == (export["state"], export["rows_expected"], export["personal"])
    make(street, keys, files)
    (row,) = rows_of(take(street, files, export, street.shift_leader))
    assert case.number == row["案卷号"]
    assert street.shift_leader.name in row["水印"]
    assert "statistics" in row["水印"]


def test_personal_fields_wait_for_a_second_person(
    street: Street, keys: FileKeyRing, files: SealedFiles
) -> None:
    confide(street, keys)
    export = ask(
        street, street.director, purpose=Purpose.EMERGENCY, fields=("number", "contact_phone", "description")
    )
    assert ("waiting", True) == (export["state"], export["personal"])
    make(street, keys, files)
    with pytest.raises(NotReady):
        take(street, files, export, street.director)
    with pytest.raises(OwnRequest):
        approve(street, export)
    with pytest.raises(NotAllowed):
        approve(street, export, street.shift_leader)
    assert "queued" == approve(street, export, street.district)["state"]
    make(street, keys, files)
    (row,) = rows_of(take(street, files, export, street.director))
    assert (PHONE, WORDS) == (row["联系电话"], row["描述"])


def test_the_database_itself_refuses_whoever_approves_his_own(street: Street) -> None:
    export = ask(street, street.director)
    statement = text("update app.exports set decided_by = asked_by where id = :id")
    with pytest.raises(Exception, match="second_person"), street.db.begin_nested():
        street.db.execute(statement, {"id": export["id"]})


def test_over_a_thousand_rows_wait_too(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridmgmt.domain.purposes.APPROVAL_ABOVE_ROWS", 2)
    for _ in range(3):
        street.report()
    assert "waiting" == ask(street, street.shift_leader)["state"]


def test_rows_that_came_since_make_it_wait_after_all(
    street: Street, keys: FileKeyRing, files: SealedFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridmgmt.domain.purposes.APPROVAL_ABOVE_ROWS", 1)
    street.report()
    export = ask(street, street.shift_leader)
    street.report()
    make(street, keys, files)
    assert "waiting" == kept.find(street.db, export["id"])["state"]
    approve(street, export)
    make(street, keys, files)
    assert 2 == len(rows_of(take(street, files, export, street.shift_leader)))


def test_a_refusal_needs_an_opinion_and_ends_it(
    street: Street, keys: FileKeyRing, files: SealedFiles
) -> None:
    export = ask(street, street.shift_leader, purpose=Purpose.LEGAL, fields=("contact_name",))
    with pytest.raises(MissingFact):
        approve(street, export, granted=False)
    assert "refused" == approve(street, export, granted=False, opinion="理由不足")["state"]
    make(street, keys, files)
    with pytest.raises(NotReady):
        take(street, files, export, street.shift_leader)
    with pytest.raises(NotReady):
        approve(street, export)


def test_use_beyond_the_purpose_is_refused(street: Street, keys: FileKeyRing, files: SealedFiles) -> None:
    with pytest.raises(BeyondPurpose):
        ask(street, street.shift_leader, fields=("number", "contact_phone"))
    export = ask(street, street.shift_leader)
    make(street, keys, files)
    with pytest.raises(BeyondPurpose):
        take(street, files, export, street.shift_leader, purpose=Purpose.INSPECTION)


def test_nobody_takes_away_what_somebody_else_asked_for(
    street: Street, keys: FileKeyRing, files: SealedFiles
) -> None:
    export = ask(street, street.shift_leader)
    make(street, keys, files)
    with pytest.raises(NotAllowed):
        take(street, files, export, street.director)
    with pytest.raises(NotAllowed):
        ask(street, street.worker_of(street.duty_cells[0].code))
    with pytest.raises(NotFound):
        take(street, files, export | {"id": uuid.uuid4()}, street.shift_leader)


def test_it_is_there_for_a_day_and_the_file_goes(
    street: Street, keys: FileKeyRing, files: SealedFiles, tmp_path: Path
) -> None:
    export = ask(street, street.shift_leader)
    make(street, keys, files)
    assert 0 == exporting.expire(street.db, files, NOW + timedelta(hours=23, minutes=59))
    street.now += timedelta(hours=24)
    with pytest.raises(Erased):
        take(street, files, export, street.shift_leader)
    assert 1 == exporting.expire(street.db, files, street.now)
    assert [] == list((tmp_path / "exports").iterdir())
    with pytest.raises(Erased):
        take(street, files, export, street.shift_leader)


def test_the_file_lies_sealed_and_a_changed_one_does_not_leave(
    street: Street, keys: FileKeyRing, files: SealedFiles, tmp_path: Path
) -> None:
    case = street.report()
    export = ask(street, street.shift_leader)
    make(street, keys, files)
    path = tmp_path / "exports" / str(export["id"])
    content = path.read_bytes()
    assert case.number.encode() not in content
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(SealBroken):
        take(street, files, export, street.shift_leader)


def test_every_step_is_on_record_and_the_last_with_the_files_hash(
    street: Street, keys: FileKeyRing, files: SealedFiles
) -> None:
    export = ask(street, street.shift_leader, purpose=Purpose.INSPECTION, fields=("number", "description"))
    approve(street, export)
    make(street, keys, files)
    take(street, files, export, street.shift_leader)
    lines = street.audited("export", export["id"])
    assert ["export:ask", "export:decide", "export:make", "export:take"] == [e.action for e in lines]
    stored = kept.find(street.db, export["id"])
    assert {
        "purpose": "inspection", "fields": ["number", "description"], "sha256": stored["sha256"],
        "recipient_id": str(street.shift_leader.id), "rows": 0,
    } == lines[-1].facts  # fmt: skip


def test_the_same_ask_again_is_the_same_and_another_is_refused(street: Street) -> None:
    first = ask(street, street.shift_leader)
    assert first == ask(street, street.shift_leader, id=first["id"])
    with pytest.raises(ContentDiffers):
        ask(street, street.shift_leader, id=first["id"], note="另一个理由")
    with pytest.raises(ContentDiffers):
        ask(street, street.director, id=first["id"])


def test_more_rows_than_an_export_may_have_are_refused(street: Street) -> None:
    street.report()
    street.report()
    with pytest.raises(TooLarge):
        ask(street, street.shift_leader, most_rows=1)


def test_a_handler_takes_out_his_own_units_cases_only(
    street: Street, keys: FileKeyRing, files: SealedFiles
) -> None:
    mine = street.report()
    street.report(category="matter:06041")
    by = street.handler("HZD-01")
    assert "HZD-01" == mine.unit_code
    export = ask(street, by)
    make(street, keys, files)
    assert [mine.number] == [row["案卷号"] for row in rows_of(take(street, files, export, by))]


def test_a_time_narrows_it_and_its_end_is_not_included(street: Street) -> None:
    street.report()
    assert 1 == ask(street, street.shift_leader, reported_from=NOW)["rows_expected"]
    assert 0 == ask(street, street.shift_leader, reported_until=NOW)["rows_expected"]


def test_text_that_would_be_a_formula_is_none(street: Street, keys: FileKeyRing, files: SealedFiles) -> None:
    confide(street, keys, description="=HYPERLINK(1)", contact=Contact("@SUM(A1)", PHONE))
    export = ask(street, street.shift_leader, purpose=Purpose.LEGAL, fields=("description", "contact_name"))
    approve(street, export)
    make(street, keys, files)
    (row,) = rows_of(take(street, files, export, street.shift_leader))
    assert ("'=HYPERLINK(1)", "'@SUM(A1)") == (row["描述"], row["联系人"])


@pytest.mark.parametrize("kind", [ExportFormat.GEOJSON, ExportFormat.GPKG])
def test_geographic_files_place_each_case(
    street: Street, keys: FileKeyRing, files: SealedFiles, tmp_path: Path, kind: ExportFormat
) -> None:
    case = street.report()
    export = ask(street, street.shift_leader, format=kind)
    make(street, keys, files)
    content = take(street, files, export, street.shift_leader)
    place = street.db.execute(
        text("select st_x(place), st_y(place) from app.cases where id = :id"), {"id": case.id}
    ).one()
    if kind is ExportFormat.GEOJSON:
        (feature,) = orjson.loads(content)["features"]
        found, number = feature["geometry"]["coordinates"], feature["properties"]["number"]
    else:
        (tmp_path / "a.gpkg").write_bytes(content)
        frame = pyogrio.read_dataframe(tmp_path / "a.gpkg")
        found, number = [frame.geometry[0].x, frame.geometry[0].y], frame["number"][0]
        assert street.shift_leader.name in frame["watermark"][0]
    assert case.number == number
    assert found == pytest.approx(list(place), abs=1.1e-6)


@pytest.mark.parametrize("kind", ExportFormat)
def test_a_copy_that_turns_up_names_whom_it_was_made_for(
    street: Street, keys: FileKeyRing, files: SealedFiles, tmp_path: Path, kind: ExportFormat
) -> None:
    for cell in street.duty_cells[:6]:
        street.report(cell=cell)
    people = [street.shift_leader, street.director, street.dispatcher, street.district]
    copies = {by.id: ask(street, by, format=kind) for by in people}
    make(street, keys, files)
    for by in people:
        path = tmp_path / f"leak.{kind}"
        content = take(street, files, copies[by.id], by)
        if kind is ExportFormat.CSV:
            lines = content.decode("utf-8-sig").splitlines()
            content = "\n".join([lines[0], *lines[1::2]]).encode()
        path.write_bytes(content)
        suspects = exporting.trace(street.db, keys, [STREET], path)
        assert [copies[by.id]["id"]] == [s.export_id for s in suspects]
        assert by.name == suspects[0].recipient
    (tmp_path / "other.csv").write_text("1.234567,2026-01-01T00:00:00.000Z")
    assert [] == exporting.trace(street.db, keys, [STREET], tmp_path / "other.csv")


def test_a_worker_that_died_leaves_it_to_another_and_not_for_ever(street: Street) -> None:
    export = ask(street, street.shift_leader)
    for minutes in (0, 11, 22):
        assert kept.claim(street.db, NOW + timedelta(minutes=minutes))
        assert kept.claim(street.db, NOW + timedelta(minutes=minutes + 9)) is None
    assert kept.claim(street.db, NOW + timedelta(minutes=33)) is None
    assert "failed" == kept.find(street.db, export["id"])["state"]


def test_whoever_was_overtaken_writes_nothing(street: Street, keys: FileKeyRing, files: SealedFiles) -> None:
    export = ask(street, street.shift_leader)
    slow = kept.claim(street.db, NOW)
    fast = kept.claim(street.db, NOW + timedelta(minutes=11))
    assert slow
    assert fast
    exporting.make(street.db, keys, files, NOW, fast, most_rows=9)
    ready = kept.find(street.db, export["id"])["ready_at"]
    exporting.make(street.db, keys, files, NOW + timedelta(minutes=20), slow, most_rows=9)
    assert ready == kept.find(street.db, export["id"])["ready_at"]
    assert 1 == len([e for e in street.audited("export", export["id"]) if e.action == "export:make"])


def test_whoever_approves_sees_everybodys_and_others_their_own(street: Street) -> None:
    ask(street, street.shift_leader)
    ask(street, street.dispatcher)
    assert 2 == len(exports.listed(street.db, street.director, limit=9))
    assert 1 == len(exports.listed(street.db, street.dispatcher, limit=9))
    assert CONTACT.name
