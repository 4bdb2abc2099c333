"""Requests, photos and the audit log come back as they were written."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from gridmgmt.domain.request import Request, RequestStatus
from gridmgmt.domain.workflow import Action
from gridmgmt.errors import IllegalAction, NotFound
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import audit, photos, requests
from gridmgmt.storage.db import Db
from tests.builders_cases import ELSEWHERE, HOUR, NOW, STREET
from tests.builders_street import ENFORCEMENT, Street, stranger


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


@pytest.fixture
def request_(street: Street) -> Request:
    return Request(
        id=uuid.uuid4(),
        case_id=street.report().id,
        subdistrict_code=STREET,
        action=Action.EXTEND,
        facts={"reason": "需要配件", "amount": 2, "unit": "working_day"},
        asked_by=street.handler(ENFORCEMENT).id,
        asked_at=NOW,
    )


def test_a_request_comes_back_whole_before_and_after_its_answer(street: Street, request_: Request) -> None:
    requests.add(street.db, request_)
    assert requests.load(street.db, request_.id, street.dispatcher) == request_
    assert requests.find(street.db, request_.id) == request_
    decided = replace(
        request_, status=RequestStatus.GRANTED, decided_by=street.dispatcher.id, decided_at=NOW + HOUR,
        opinion="同意",
    )  # fmt: skip
    requests.answer(street.db, decided)
    assert requests.load(street.db, request_.id, street.dispatcher, lock=True) == decided
    (shown,) = requests.of_case(street.db, request_.case_id)
    assert (shown["status"], shown["opinion"], shown["facts"]) == ("granted", "同意", request_.facts)


def test_a_case_has_at_most_one_pending_request_for_an_action(street: Street, request_: Request) -> None:
    assert not requests.pending_for(street.db, request_.case_id, Action.EXTEND)
    requests.add(street.db, request_)
    assert requests.pending_for(street.db, request_.case_id, Action.EXTEND)
    assert not requests.pending_for(street.db, request_.case_id, Action.HOLD)
    with pytest.raises(IntegrityError), street.db.begin_nested():
        requests.add(street.db, replace(request_, id=uuid.uuid4()))
    requests.add(street.db, replace(request_, id=uuid.uuid4(), action=Action.HOLD))


def test_requests_of_other_streets_do_not_exist(street: Street, request_: Request) -> None:
    requests.add(street.db, request_)
    with pytest.raises(NotFound):
        requests.load(street.db, request_.id, stranger(street.dispatcher))
    assert requests.find(street.db, uuid.uuid4()) is None


def test_a_photo_is_known_in_its_own_street_only_and_stored_once(street: Street) -> None:
    digest = street.photo(street.acceptor)
    street.photo(street.acceptor)
    found = photos.find(street.db, STREET, digest)
    assert found is not None
    assert (found["sha256"], found["media_type"], found["received_at"]) == (digest, "image/jpeg", NOW)
    assert photos.find(street.db, ELSEWHERE, digest) is None
    assert photos.known(street.db, STREET, [digest, "0" * 64]) == {digest}
    assert photos.known(street.db, ELSEWHERE, [digest]) == frozenset()
    count = text("select count(*) from app.photos where sha256 = :d")
    assert street.db.execute(count, {"d": digest}).scalar() == 1


def test_audit_lines_are_read_in_order_inside_the_readers_street(street: Street) -> None:
    thing = str(uuid.uuid4())
    refused = audit.refusal(
        street.acceptor, NOW, IllegalAction("no", article="22-1", rule="R22a", state="x"), action="POST /x",
        object_kind="thing", object_id=thing, request_id="abc",
    )  # fmt: skip
    nobody = audit.refusal(
        None, NOW, NotFound("no"), action="GET /x", object_kind="thing", object_id=thing, request_id=None
    )
    audit.append(street.db, [refused, nobody])
    audit.append(street.db, [])
    assert street.audited("thing", thing) == [refused], "a refusal of nobody known is in no street"
    assert (refused.outcome, refused.code, refused.article, refused.rule, refused.facts) == (
        "refused", "illegal_action", "22-1", "R22a", {},
    )  # fmt: skip
    assert audit.entries_about(street.db, "thing", thing, stranger(street.acceptor)) == []
