"""Reports: what cannot be true, what is missing, when two contents are one."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmgmt.domain.pattern import CategoryKey, CategoryKind
from gridmgmt.domain.report import (
    Report,
    ReportRules,
    Source,
    automatic_policy,
    check_report,
    content_digest,
    report_digest,
)
from gridmgmt.domain.taxonomy import AutoPolicy, Category
from gridmgmt.errors import ImplausibleTime, InvalidGeometry, InvalidInput, MissingFact
from gridmgmt.geo.crs import Datum, LonLat

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
KEY = CategoryKey("GB/T 47678.5-2026", CategoryKind.MATTER, "06010")
PHOTO, OTHER_PHOTO = "ab" * 32, "cd" * 32


def make_report(**over):
    facts = {
        "id": UUID(int=1),
        "subdistrict_code": "120116005",
        "reporter_id": UUID(int=2),
        "source": Source.PATROL,
        "category": KEY,
        "description": "路边有一堆垃圾",
        "position": LonLat(117.65, 39.03),
        "datum": Datum.WGS84,
        "observed_at": NOW,
        "received_at": NOW,
        "accuracy_m": 8.0,
        "photo_hashes": (PHOTO,),
        **over,
    }
    return Report(**facts)


def make_category(**over):
    facts = {
        "standard_ref": KEY.standard_ref, "kind": KEY.kind, "code": KEY.code, "name": "暴露垃圾",
        "major_code": "06", "major_name": "市容环境类", "valid_from": date(2026, 7, 1), **over,
    }  # fmt: skip
    return Category(**facts)


def codes(report, category=None, raised=InvalidInput):
    with pytest.raises(InvalidInput) as refusal:
        check_report(report, category or make_category(), NOW)
    assert raised is type(refusal.value)
    return [fault["code"] for fault in refusal.value.facts["faults"]]


def test_a_sound_report_passes():
    check_report(make_report(), make_category(), NOW)
    check_report(make_report(accuracy_m=None, description=""), make_category(), NOW)


@pytest.mark.parametrize("source", [s for s in Source if s.is_public])
def test_what_somebody_from_outside_said_is_kept_in_writing_alone(source):
    assert ["from_outside"] == codes(make_report(source=source, recording_hashes=(OTHER_PHOTO,)))
    check_report(make_report(source=source), make_category(), NOW)
    check_report(make_report(recording_hashes=(OTHER_PHOTO,)), make_category(), NOW)


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(0), timedelta(days=-30)])
def test_an_observation_at_the_bounds_of_the_plausible_passes(ahead):
    check_report(make_report(observed_at=NOW + ahead), make_category(), NOW)


@pytest.mark.parametrize(
    ("observed_at", "code"),
    [
        (NOW + timedelta(minutes=5, microseconds=1), "future"),
        (NOW - timedelta(days=30, microseconds=1), "too_old"),
        (NOW.replace(tzinfo=None), "no_zone"),
    ],
)
def test_an_observation_in_the_future_long_ago_or_without_zone_is_refused(observed_at, code):
    assert [code] == codes(make_report(observed_at=observed_at), raised=ImplausibleTime)


@pytest.mark.parametrize(
    ("position", "code"),
    [
        (LonLat(39.03, 117.65), "axes_swapped"),
        (LonLat(math.nan, 39.03), "not_finite"),
        (LonLat(557_000.0, 4_321_000.0), "metric_coordinates"),
    ],
)
def test_a_position_that_cannot_be_one_is_refused(position, code):
    assert [code] == codes(make_report(position=position), raised=InvalidGeometry)


@pytest.mark.parametrize("accuracy_m", [0.0, -1.0, 1000.1, math.inf, math.nan])
def test_an_absurd_accuracy_is_refused(accuracy_m):
    assert ["accuracy"] == codes(make_report(accuracy_m=accuracy_m), raised=InvalidGeometry)


def test_a_description_has_at_most_2000_characters():
    check_report(make_report(description="垃" * 2000), make_category(), NOW)
    assert ["too_long"] == codes(make_report(description="垃" * 2001))


@pytest.mark.parametrize("text", ["a\x00b", "half \ud83d of a pair"])
def test_a_description_that_no_database_can_hold_is_refused(text):
    assert ["bad_text"] == codes(make_report(description=text))


def test_a_patrol_report_needs_a_photo_if_its_class_asks_for_one():
    bare = make_report(photo_hashes=())
    assert ["missing_evidence"] == codes(bare, raised=MissingFact)
    check_report(bare, make_category(evidence_required=False), NOW)
    check_report(replace(bare, source=Source.HOTLINE_12345), make_category(), NOW)


def test_handling_on_the_spot_is_for_minor_classes_with_a_photo_before_and_one_after():
    minor, both = make_category(minor=True), (PHOTO, OTHER_PHOTO)
    check_report(make_report(self_handled=True, photo_hashes=both), minor, NOW)
    assert ["not_minor"] == codes(make_report(self_handled=True, photo_hashes=both))
    assert ["missing_before_after"] == codes(make_report(self_handled=True), minor, MissingFact)


def test_one_photo_is_not_before_and_after_at_once():
    report = make_report(self_handled=True, photo_hashes=(PHOTO, PHOTO))
    assert ["twice"] == codes(report, make_category(minor=True))


@pytest.mark.parametrize("photo", ["", "ab", PHOTO.upper(), "g" * 64])
def test_a_photo_is_named_by_its_hash(photo):
    assert ["bad_hash"] == codes(make_report(photo_hashes=(photo,)))


def test_photos_are_counted():
    photos = tuple(f"{i:064x}" for i in range(10))
    check_report(make_report(photo_hashes=photos[:9]), make_category(), NOW)
    assert ["too_many"] == codes(make_report(photo_hashes=photos))


def test_every_fault_is_reported_at_once():
    report = make_report(
        observed_at=NOW + timedelta(hours=1), accuracy_m=0.0, description="x" * 3000, photo_hashes=()
    )
    assert ["future", "accuracy", "too_long", "missing_evidence"] == codes(report)


def test_the_bounds_are_local_configuration():
    rules = ReportRules(oldest=timedelta(days=1))
    with pytest.raises(ImplausibleTime):
        check_report(make_report(observed_at=NOW - timedelta(days=2)), make_category(), NOW, rules)


# What moves by itself


@pytest.mark.parametrize("source", list(Source))
def test_what_the_public_reports_never_moves_before_it_is_confirmed(source):
    public = {Source.HOTLINE_12345, Source.WEB, Source.WINDOW, Source.MEDIA}
    category = make_category(auto_policy=AutoPolicy.DISPATCH)
    expected = AutoPolicy.NONE if source in public else AutoPolicy.DISPATCH
    assert expected is automatic_policy(make_report(source=source), category)


def test_what_was_handled_on_the_spot_waits_for_its_audit():
    report = make_report(self_handled=True)
    assert AutoPolicy.NONE is automatic_policy(report, make_category(auto_policy=AutoPolicy.DISPATCH))


# One content or two


def test_the_digest_is_a_known_value_and_does_not_drift():
    assert "43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777" == content_digest(
        {"b": 2, "a": 1}
    )


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(st.text(max_size=5), scalars | st.dictionaries(st.text(max_size=5), scalars), max_size=5)
)
def test_the_order_of_keys_makes_no_difference(content):
    backwards = {
        key: dict(reversed(value.items())) if isinstance(value, dict) else value
        for key, value in reversed(content.items())
    }
    assert content_digest(content) == content_digest(backwards)


def test_the_zone_a_time_is_written_in_and_the_type_of_a_number_make_no_difference():
    local = NOW.astimezone(timezone(timedelta(hours=8)))
    assert content_digest({"at": NOW, "x": 117}) == content_digest({"at": local, "x": 117.0})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": True}),
        ({"a": None}, {}),
        ({"a": 0.1}, {"a": 0.1000001}),
        ({"a": "x"}, {"a": "x "}),
        ({"ab": "c"}, {"a": "bc"}),
    ],
)
def test_contents_that_differ_have_different_digests(one, other):
    assert content_digest(one) != content_digest(other)


@pytest.mark.parametrize("value", [math.nan, math.inf, NOW.replace(tzinfo=None), b"bytes", {1, 2}, object()])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(InvalidInput):
        content_digest({"value": value})


def test_the_digest_of_a_report_leaves_out_what_the_server_added():
    report = make_report()
    assert report_digest(report) == report_digest(replace(report, received_at=NOW + timedelta(hours=1)))


@pytest.mark.parametrize(
    "over",
    [
        {"id": UUID(int=9)},
        {"subdistrict_code": "120116006"},
        {"reporter_id": UUID(int=9)},
        {"source": Source.VIDEO},
        {"category": KEY._replace(code="06011")},
        {"description": "路边有一堆垃圾。"},
        {"position": LonLat(117.65, 39.0300001)},
        {"datum": Datum.GCJ02},
        {"observed_at": NOW + timedelta(microseconds=1)},
        {"accuracy_m": None},
        {"photo_hashes": (OTHER_PHOTO,)},
        {"self_handled": True},
    ],
)
def test_every_fact_that_was_sent_counts_in_the_digest(over):
    assert report_digest(make_report()) != report_digest(make_report(**over))
