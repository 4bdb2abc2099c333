"""What was loaded from files is what decisions are made with, row for row."""

from datetime import UTC, date, datetime

import pytest

from gridmgmt.demo.load import read_catalogue
from gridmgmt.domain.duty import parse_duty_lists
from gridmgmt.domain.limit import parse_milestones
from gridmgmt.domain.org import CommunityKind
from gridmgmt.domain.routing import parse_rules, parse_units
from gridmgmt.domain.taxonomy import (
    Catalogue,
    parse_categories,
    parse_closing_conditions,
    parse_filing_conditions,
    parse_limits,
    parse_stage_limits,
)
from gridmgmt.domain.workcalendar import parse_work_calendar
from gridmgmt.errors import Conflict, NotFound
from gridmgmt.services.cataloguing import CatalogueTables
from gridmgmt.storage import catalogue
from gridmgmt.storage.db import Db
from tests.builders_cases import ELSEWHERE, NOW, STREET
from tests.builders_street import found_small_street
from tests.conftest import CHECKOUT


@pytest.fixture(scope="module")
def files() -> CatalogueTables:
    return read_catalogue(CHECKOUT / "data" / "catalogue")


def test_stored_classes_and_conditions_are_those_of_the_files(db: Db, files: CatalogueTables) -> None:
    def by_name(items: list) -> list:
        return sorted(items, key=repr)

    stored = catalogue.load_catalogue(db)
    given = Catalogue(
        by_name(parse_categories(files.categories)),
        parse_limits(files.handling_limits),
        parse_stage_limits(files.stage_limits),
        parse_filing_conditions(files.filing_conditions),
        parse_closing_conditions(files.closing_conditions),
        parse_milestones(files.handling_milestones),
    )
    on = NOW.date()
    assert by_name(stored.in_use(on)) == by_name(given.in_use(on))
    for category in given.in_use(on):
        assert stored.find(str(category.key), on) == category
        assert stored.limit_for(category, on) == given.limit_for(category, on)
        assert stored.milestones_for(category, on) == given.milestones_for(category, on)
    assert stored.desk_limits() == given.desk_limits()
    assert stored.desk_limits("emergency") == given.desk_limits("emergency")


def test_the_stored_duty_list_is_that_of_the_file(db: Db, files: CatalogueTables) -> None:
    def in_order(lists) -> list:
        return [(d.version, sorted(d.items, key=lambda i: i.no)) for d in lists]

    stored = catalogue.load_rulebook(db, STREET).duty_lists
    given = [d for d in parse_duty_lists(files.duty_items) if d.district_code == STREET[:6]]
    assert in_order(stored) == in_order(given)
    assert [d.published_on for d in stored] == [d.published_on for d in given]


def test_stored_units_are_those_of_the_file_closed_ones_too(db: Db, files: CatalogueTables) -> None:
    stored, given = catalogue.load_units(db), parse_units(files.units)
    assert stored == given
    assert any(not unit.active for unit in stored.values())


def test_the_stored_rules_are_those_of_the_file(db: Db, files: CatalogueTables) -> None:
    stored, given = catalogue.load_rulebook(db, STREET).rules, parse_rules(files.routing_rules)
    assert stored.version == given.version
    assert [(r.id, r.reason, r.unit_code) for r in stored.rules] == [
        (r.id, r.reason, r.unit_code) for r in given.rules
    ]


def test_the_newest_published_rules_hold(db: Db, files: CatalogueTables) -> None:
    document = {**files.routing_rules, "version": "next", "rules": files.routing_rules["rules"][:1]}
    catalogue.publish_rules(db, STREET, document, datetime(2026, 11, 24, tzinfo=UTC))
    stored = catalogue.load_rulebook(db, STREET).rules
    assert (stored.version, len(stored.rules)) == ("next", 1)


def test_a_version_of_the_rules_is_published_once(db: Db, files: CatalogueTables) -> None:
    with pytest.raises(Conflict) as refusal:
        catalogue.publish_rules(db, STREET, files.routing_rules, datetime(2026, 11, 24, tzinfo=UTC))
    assert refusal.value.facts["version"] == str(files.routing_rules["version"])


def test_the_stored_calendar_keeps_hours_holidays_and_coverage(db: Db, files: CatalogueTables) -> None:
    given = parse_work_calendar(files.work_hours)
    stored = catalogue.load_calendar(db, "tianjin")
    for name in ("timezone", "slots", "overrides", "covered_from", "covered_until", "name"):
        assert getattr(stored, name) == getattr(given, name), name
    assert stored.is_working_day(date(2026, 10, 1)) is False, "National Day"
    assert stored.is_working_day(date(2026, 10, 10)) is True, "a Saturday worked in exchange"


def test_an_unknown_calendar_or_street_is_not_found(db: Db) -> None:
    with pytest.raises(NotFound):
        catalogue.load_calendar(db, "nowhere")
    with pytest.raises(NotFound):
        catalogue.load_rulebook(db, "120116999")


def test_a_rulebook_holds_the_places_and_people_of_its_own_street_only(db: Db) -> None:
    found_small_street(db)
    here, there = catalogue.load_rulebook(db, STREET), catalogue.load_rulebook(db, ELSEWHERE)
    assert {code[:9] for code in here.communities} == {STREET}
    assert [c.code for c in there.communities.values()] == [f"{ELSEWHERE}001"]
    assert there.communities[f"{ELSEWHERE}001"].kind is CommunityKind.RESIDENTS
    assert here.people.keys().isdisjoint(there.people)
    assert {p.plan.subdistrict_code for p in there.plans} == {ELSEWHERE}
    assert there.rules.rules == (), "no rules were published there"
    assert here.revision == there.revision == catalogue.revision(db)


def test_a_street_without_rules_sends_everything_to_a_person(db: Db) -> None:
    found_small_street(db)
    assert catalogue.load_rulebook(db, ELSEWHERE).rules.version == "none"
