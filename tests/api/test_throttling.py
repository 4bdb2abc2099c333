"""Guessing is slow, a flood reaches few hashes, and nobody can lock a colleague out (B1, B8)."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import text

from gridmgmt.domain.throttle import FREE_FAILURES
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Server
from tests.api.identity import PASSWORD, Browser, Owner

WRONG = "not the password of anybody"


@pytest.fixture
def owner(server: Server) -> Owner:
    with transaction(server.engine, NOBODY) as db:
        db.execute(text("truncate app.throttle"))
    return Owner(server, "demo-planner")


def hashed(server: Server) -> int:
    return server.app.state.parts.passwords.hashed


ATTEMPTS = 300
"""Of each kind. The clock stands still, so the ten thousandth is answered as the three hundredth is."""


def test_a_flood_of_guesses_at_one_account_reaches_few_hashes(server: Server, owner: Owner) -> None:
    before = hashed(server)
    strangers = [Browser(server) for _ in range(12)]
    answers = {strangers[i % 12].password(owner.login, WRONG).status_code for i in range(ATTEMPTS)}
    assert answers == {401, 429}
    assert hashed(server) - before <= 10
    # And the one whose account it is gets in, from the device that he has used before.
    known = owner.sign_in(owner.browser)
    assert known.get("/me").status_code == 200


def test_a_flood_of_guesses_at_many_accounts_reaches_few_hashes(server: Server, owner: Owner) -> None:
    before = hashed(server)
    stranger = Browser(server)
    answers = [stranger.password(f"account-{i}", WRONG).status_code for i in range(ATTEMPTS)]
    assert hashed(server) - before == 30 == answers.count(401)
    assert set(answers[40:]) == {429}


def test_a_device_that_the_owner_lost_answers_to_a_counter_of_its_own(server: Server, owner: Owner) -> None:
    """Whoever has the owner's own browser may not guess at will either."""
    answers = [owner.browser.password(owner.login, WRONG).status_code for _ in range(FREE_FAILURES + 3)]
    assert answers == [401] * FREE_FAILURES + [429] * 3
    assert owner.browser.password(owner.login).status_code == 429, "the right one has to wait as well"
    server.clock.at += timedelta(minutes=16)
    assert owner.browser.password(owner.login).status_code == 200


def test_codes_are_guessed_as_slowly_as_passwords(server: Server, owner: Owner) -> None:
    stranger = Browser(server)
    ticket = stranger.password(owner.login).json()["ticket"]
    tried = [
        stranger.post("/sign-in/code", {"ticket": ticket, "code": f"{i:06}"}).status_code for i in range(20)
    ]
    assert tried == [401] * FREE_FAILURES + [429] * 15
    assert owner.sign_in(owner.browser).get("/me").status_code == 200


def test_a_stolen_session_cannot_guess_the_code_by_showing_ever_new_devices(
    server: Server, owner: Owner
) -> None:
    session = owner.browser.http.cookies.get("gridmgmt_session")
    with server.connect(Authorization=f"Bearer {session}") as thief:
        tried = [thief.post("/api/v1/step-up", json={"code": f"{i:06}"}).status_code for i in range(12)]
    assert tried == [401] * FREE_FAILURES + [429] * 7


def test_whoever_has_to_wait_is_told_how_long_and_nothing_else(server: Server, owner: Owner) -> None:
    known, unknown = Browser(server), Browser(server)
    for browser, login in ((known, owner.login), (unknown, "nobody-of-this-name")):
        answers = [browser.password(login, WRONG) for _ in range(8)]
        last = answers[-1]
        assert (last.status_code, last.json()["code"]) == (429, "too_many_attempts")
        assert last.headers["Retry-After"] == str(last.json()["facts"]["retry_after_s"])


def same_but_for_its_id(answer) -> tuple:
    told = answer.json() | {"request_id": ""}
    headers = {k: v for k, v in answer.headers.items() if k not in {"x-request-id", "date"}}
    return answer.status_code, told, headers


def test_known_and_unknown_names_are_answered_alike_and_cost_the_same_work(
    server: Server, owner: Owner
) -> None:
    """The same answer, the same statements, the same number of hashes: there is nothing to measure."""
    seen: list[str] = []

    def listen(conn, cursor, statement, parameters, context, executemany) -> None:
        seen.append(statement)

    found = []
    for login in (owner.login, "nobody-of-this-name"):
        seen.clear()
        before = hashed(server)
        sa.event.listen(server.app.state.parts.engine, "before_cursor_execute", listen)
        try:
            answer = Browser(server).password(login, WRONG)
        finally:
            sa.event.remove(server.app.state.parts.engine, "before_cursor_execute", listen)
        found.append((same_but_for_its_id(answer), tuple(seen), hashed(server) - before))
    assert found[0] == found[1]
    assert found[0][2] == 1


def test_an_account_without_a_password_is_answered_like_one_that_does_not_exist(server: Server) -> None:
    answers = [Browser(server).password(login, PASSWORD) for login in ("demo-worker-009", "nobody-at-all")]
    assert same_but_for_its_id(answers[0]) == same_but_for_its_id(answers[1])


def test_when_too_many_hash_at_once_the_next_is_told_to_come_back(server: Server, owner: Owner) -> None:
    passwords = server.app.state.parts.passwords
    taken = 0
    while passwords._queue.acquire(blocking=False):
        taken += 1
    try:
        answer = Browser(server).password(owner.login)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    finally:
        for _ in range(taken):
            passwords._queue.release()
    assert taken == 6
    assert Browser(server).password(owner.login).status_code == 200
