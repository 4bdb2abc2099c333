"""The document of the API says what answers are: real ones are read with the models that it is made from."""

from datetime import timedelta

import httpx
from sqlalchemy import text

from api.routes.calls import CallList, CallOut
from api.routes.cases import CaseDetail, CasePage
from api.routes.centre import Board, Categories
from api.routes.deputies import DeputyList
from api.routes.inbox import Inbox, Ladder
from api.routes.oversight import OwedList
from api.routes.patrols import CoverageOfDay, ShiftList, TodayOut
from api.routes.reports import ReportOut
from api.routes.sessions import DemoPeople, Me
from tests.api.calling import acted, issued
from tests.api.client import Person, Server
from tests.api.patrolling import open_shift


def read(model: type, answer: httpx.Response) -> None:
    """Nothing is missing in an answer, nothing stands in it that the document does not name."""
    assert answer.status_code == 200, answer.text
    model.model_validate(answer.json())


def test_answers_are_as_the_document_says(
    server: Server, worker: Person, unit: Person, shift: Person
) -> None:
    dispatcher, director = server.person("demo-dispatcher"), server.person("demo-director")
    case = worker.report()
    call = issued(dispatcher, case, "HZD-01", "HZD-06")
    assert acted(unit, call, 0, "refuse", reason="不属职责").status_code == 200
    order = {"id": call["id"], "opinion": "请加快"}
    assert director.post(f"/cases/{case['id']}/orders", order).status_code == 201
    open_shift(server, worker)
    day = (server.clock.at - timedelta(days=1)).date()
    for person in (worker, unit, shift, dispatcher, director):
        read(CaseDetail, person.get(f"/cases/{case['id']}"))
        read(CasePage, person.get("/cases"))
        read(CallOut, person.get(f"/joint-calls/{call['id']}"))
        read(CallList, person.get("/joint-calls"))
        read(Ladder, person.get(f"/cases/{case['id']}/ladder"))
        read(Inbox, person.get("/inbox"))
        read(Board, person.get("/board"))
        read(Me, person.get("/me"))
    read(ReportOut, worker.get(f"/reports/{case['report']['id']}"))
    read(TodayOut, worker.get("/patrols/today"))
    read(ShiftList, dispatcher.get("/patrols", day=str(day)))
    read(CoverageOfDay, dispatcher.get("/patrols/coverage", day=str(day)))
    read(OwedList, director.get("/orders"))
    read(DeputyList, director.get("/deputies"))
    read(Categories, shift.get("/categories"))
    read(DemoPeople, shift.get("/demo"))


def offers(person: Person, case: dict) -> dict[str, bool]:
    beside = person.get(f"/cases/{case['id']}").json()["beside"]
    return {offer["action"]: offer["may"] for offer in beside["legal"]}


def test_what_is_offered_beside_a_case_is_what_would_be_taken(
    server: Server, worker: Person, unit: Person, shift: Person
) -> None:
    dispatcher, director = server.person("demo-dispatcher"), server.person("demo-director")
    case = worker.report()
    nothing = dict.fromkeys(("issue_call", "order", "tell", "revisit", "follow_up"), False)
    assert offers(unit, case) == nothing
    assert offers(dispatcher, case) == nothing | {"issue_call": True}
    assert offers(director, case) == nothing | {"issue_call": True, "order": True}
    assert offers(shift, case) == nothing | {"tell": True}
    call = issued(dispatcher, case, "HZD-01", "HZD-06")

    def tasks(person: Person) -> list[dict[str, bool]]:
        shown = person.get(f"/joint-calls/{call['id']}").json()["tasks"]
        return [{o["action"]: o["may"] for o in task["legal"]} for task in shown]

    first = {"sign_in": True, "refuse": True, "withdraw": False, "assess": False}
    assert tasks(unit) == [first, dict.fromkeys(first, False)], "its own sub-task, and no opinion"
    acted(unit, call, 0, "sign_in")
    acted(unit, call, 0, "arrive")
    lead = tasks(unit)[0]
    assert (lead["report"], lead["refuse"]) == (False, True), "the lead ends last"
    assert not tasks(director)[0]["assess"], "before its time"
    with server.engine.begin() as db:
        late = {"at": server.clock.at - timedelta(hours=1)}
        db.execute(text("update app.joint_call_tasks set due_at = :at"), late)
    assert tasks(director)[0]["assess"], "once it is overdue"
