"""Whatever ends a session ends it with the very next request (B2); a device that is gone is unknown again."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from gridmgmt.storage import people
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Server
from tests.api.identity import Browser, Owner

STREET = "120116005"


@pytest.fixture
def owner(server: Server) -> Owner:
    with transaction(server.engine, NOBODY) as db:
        db.execute(text("truncate app.throttle"))
        db.execute(text("update app.people set active = true where login = 'demo-planner'"))
    return Owner(server, "demo-planner")


@pytest.fixture
def security(server: Server) -> Browser:
    """The security administrator, with his code just shown."""
    return Owner(server, "demo-security").browser


@pytest.fixture
def system(server: Server) -> Browser:
    """The system administrator, with his code just shown."""
    return Owner(server, "demo-admin").browser


def test_signing_out_ends_the_session(owner: Owner) -> None:
    cookie = owner.browser.http.cookies.get("gridmgmt_session")
    assert owner.browser.delete("/session").status_code == 204
    owner.browser.http.cookies.set("gridmgmt_session", cookie or "")
    assert owner.browser.get("/me").status_code == 401


def test_another_device_is_signed_out_by_removing_it(server: Server, owner: Owner) -> None:
    other = owner.sign_in()
    account = owner.browser.get("/account").json()
    assert [device["this"] for device in account["devices"]].count(True) == 1
    (foreign,) = [device["id"] for device in account["devices"] if not device["this"]]
    assert owner.browser.delete(f"/account/devices/{foreign}").status_code == 204
    assert other.get("/me").status_code == 401
    assert owner.browser.get("/me").status_code == 200
    assert owner.browser.delete(f"/account/devices/{foreign}").status_code == 404, "it is gone"


def test_nobody_removes_somebody_elses_device(server: Server, owner: Owner) -> None:
    foreign = Owner(server, "demo-director").browser.get("/account").json()["devices"][0]["id"]
    assert owner.browser.delete(f"/account/devices/{foreign}").status_code == 404


def test_signing_out_everywhere_else_leaves_this_session(server: Server, owner: Owner) -> None:
    others = [owner.sign_in() for _ in range(3)]
    assert owner.browser.post("/account/sign-out-others").json() == {"ended": 3}
    assert {other.get("/me").status_code for other in others} == {401}
    assert owner.browser.get("/me").status_code == 200


def test_another_password_ends_every_session_and_begins_a_new_one(server: Server, owner: Owner) -> None:
    other = owner.sign_in()
    old = owner.browser.http.cookies.get("gridmgmt_session")
    assert owner.browser.post("/step-up", {"code": owner.next_code()}).status_code == 200
    change = {"current_password": owner.password, "new_password": "quite another sentence"}
    wrong = owner.browser.post("/account/password", change | {"current_password": "not the present one"})
    assert wrong.status_code == 401
    assert owner.browser.post("/account/password", change).status_code == 200
    assert owner.browser.get("/me").status_code == 200
    assert other.get("/me").status_code == 401
    with server.connect(Authorization=f"Bearer {old}") as thief:
        assert thief.get("/api/v1/me").status_code == 401


def test_whoever_is_deactivated_is_out_at_once_and_stays_out(
    server: Server, owner: Owner, system: Browser
) -> None:
    assert system.put(f"/people/{owner.id}/active", {"active": False}).status_code == 200
    assert owner.browser.get("/me").status_code == 401
    assert owner.browser.password(owner.login).status_code == 401
    assert system.put(f"/people/{owner.id}/active", {"active": True}).status_code == 200
    assert owner.browser.get("/me").status_code == 401, "an ended session does not come back"


def test_other_roles_end_every_session(server: Server, owner: Owner, security: Browser) -> None:
    grants = {"grants": [{"role": "planner", "subdistrict_code": STREET}]}
    changed = security.put(f"/people/{owner.id}/roles", grants)
    assert changed.status_code == 200, changed.text
    assert owner.browser.get("/me").status_code == 401
    assert owner.sign_in().get("/me").json()["roles"] == ["planner"]


def test_the_security_administrator_ends_sessions_devices_and_lockouts(
    server: Server, owner: Owner, security: Browser
) -> None:
    assert security.delete(f"/people/{owner.id}/sessions").status_code == 204
    assert owner.browser.get("/me").status_code == 401
    stranger = Browser(server)
    while stranger.password(owner.login, "wrong and wrong").status_code == 401:
        pass
    assert stranger.password(owner.login).status_code == 429
    assert security.post(f"/people/{owner.id}/unlock").status_code == 204
    assert stranger.password(owner.login).status_code == 200
    signed_in = owner.sign_in()
    (device,) = [d for d in signed_in.get("/account").json()["devices"] if d["this"]]
    assert {d["id"] for d in security.get(f"/people/{owner.id}/devices").json()} >= {device["id"]}
    assert security.delete(f"/people/{owner.id}/devices/{device['id']}").status_code == 204
    assert signed_in.get("/me").status_code == 401


def test_a_used_link_voids_what_was_there_before(server: Server, owner: Owner) -> None:
    again = Owner(server, owner.login, "a wholly new sentence")
    assert owner.browser.get("/me").status_code == 401
    assert Browser(server).password(owner.login, owner.password).status_code == 401
    assert again.browser.get("/me").status_code == 200


def test_showing_the_code_again_gives_another_token_and_the_old_one_ends(
    server: Server, owner: Owner
) -> None:
    old = owner.browser.http.cookies.get("gridmgmt_session")
    assert owner.browser.post("/step-up", {"code": owner.next_code()}).status_code == 200
    assert owner.browser.http.cookies.get("gridmgmt_session") != old
    with server.connect(Authorization=f"Bearer {old}") as late:
        assert late.get("/api/v1/me").status_code == 200, "what was under way ends well"
        assert late.post("/api/v1/account/recovery-codes").json()["code"] == "step_up_needed"
        server.clock.at += timedelta(seconds=10)
        assert late.get("/api/v1/me").status_code == 401
    assert owner.browser.get("/me").status_code == 200


def test_ending_a_session_ends_every_token_it_ever_had(server: Server, owner: Owner) -> None:
    old = owner.browser.http.cookies.get("gridmgmt_session")
    assert owner.browser.post("/step-up", {"code": owner.next_code()}).status_code == 200
    assert owner.browser.delete("/session").status_code == 204
    with server.connect(Authorization=f"Bearer {old}") as late:
        assert late.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("minutes", [5, 6])
def test_a_shown_code_is_fresh_for_five_minutes(server: Server, owner: Owner, minutes: int) -> None:
    server.clock.at += timedelta(minutes=minutes)
    answer = owner.browser.post("/account/recovery-codes")
    if minutes == 5:
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_needed")
    assert owner.browser.post("/step-up", {"code": owner.next_code()}).status_code == 200
    assert owner.browser.post("/account/recovery-codes").status_code == 200


def test_new_recovery_codes_void_the_old_ones(server: Server, owner: Owner) -> None:
    fresh = owner.browser.post("/account/recovery-codes").json()["recovery_codes"]
    for code, expected in ((owner.recovery_codes[0], 401), (fresh[0], 200)):
        browser = Browser(server)
        ticket = browser.password(owner.login).json()["ticket"]
        assert browser.post("/sign-in/code", {"ticket": ticket, "code": code}).status_code == expected


def test_a_person_comes_to_work_through_two_hands(server: Server, system: Browser, security: Browser) -> None:
    asked = {"login": "zhao.liu", "name": "赵六", "subdistrict_code": STREET}
    assert security.post("/people", asked).status_code == 403, "the security administrator makes nobody"
    made = system.post("/people", asked)
    assert made.status_code == 201, made.text
    person = made.json()["id"]
    assert system.post("/people", asked).status_code == 409
    roles = {"grants": [{"role": "acceptor", "subdistrict_code": STREET}]}
    assert system.put(f"/people/{person}/roles", roles).status_code == 403, (
        "the system administrator grants nothing"
    )
    assert system.post(f"/people/{person}/link").status_code == 403, "nor opens a way in"
    assert security.put(f"/people/{person}/roles", roles).json()["grants"] == roles["grants"]
    link = security.post(f"/people/{person}/link").json()["link"]
    assert link.startswith("http://127.0.0.1:8000/account#set-up/")
    invited = Browser(server).post("/set-up", {"link": link.rpartition("/")[2]}).json()
    assert (invited["login"], invited["name"]) == ("zhao.liu", "赵六")


@pytest.mark.parametrize("roles", [["auditor", "administrator"], ["security_administrator", "acceptor"]])
def test_two_of_the_three_are_refused(owner: Owner, security: Browser, roles: list[str]) -> None:
    grants = [{"role": role, "subdistrict_code": STREET} for role in roles]
    answer = security.put(f"/people/{owner.id}/roles", {"grants": grants})
    assert (answer.status_code, answer.json()["code"]) == (409, "administrators_apart")


def test_nobody_administers_himself(server: Server, security: Browser) -> None:
    with transaction(server.engine, NOBODY, read_only=True) as db:
        me = people.person_named(db, "demo-security")
    grants = {"grants": [{"role": "director", "subdistrict_code": STREET}]}
    assert security.put(f"/people/{me}/roles", grants).status_code == 403
    assert security.post(f"/people/{me}/link").status_code == 403
