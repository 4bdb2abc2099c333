"""What becomes of cases: one life a fate, written in the order in which people act.

Each life has chance of its own, drawn from the plan's seed and its number, so that it does not depend on
what others do meanwhile.
"""

import random
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from gridmgmt.demo.month import beside
from gridmgmt.demo.month.diary import Life
from gridmgmt.demo.month.office import Office
from gridmgmt.domain.case import Case
from gridmgmt.domain.clocks import next_milestone
from gridmgmt.domain.org import Role
from gridmgmt.domain.report import Source
from gridmgmt.domain.workflow import Action, State
from gridmgmt.domain.worktime import LimitUnit, add_working_time, elapsed

Steps = Generator[datetime, None, Case]

REFUSE: Final = "matter:06010"
POTHOLE: Final = "matter:06013"
SORTING: Final = "matter:06041"
ILLEGAL_BUILDING: Final = "matter:06001"
OFF_LIST: Final = "LOCAL-TJ:matter:L09001"
DEPARTMENT, ANOTHER, THIRD, TEAM = "BH-CG", "BH-ZJ", "HZD-JJ", "HZD-01"
_MINOR: Final = ("matter:06036", "matter:07001", "matter:09010")
UNIT_OF: Final = MappingProxyType(
    {
        REFUSE: "HZD-06", "matter:06012": "HZD-06", "matter:06036": "HZD-06", "matter:09009": TEAM,
        "matter:09006": TEAM, "matter:09005": TEAM, "matter:07001": TEAM, "matter:09010": TEAM,
        ILLEGAL_BUILDING: TEAM, POTHOLE: DEPARTMENT, "matter:04013": DEPARTMENT, "matter:06028": "BH-HB",
        "matter:09012": "BH-XF",
    }
)  # fmt: skip
"""Who has to do with a class on the demo street. A class that is not here is its community's."""
_USUAL: Final = tuple(c for c in UNIT_OF if c != ILLEGAL_BUILDING)


# The desks


def found_on_patrol(o: Office, rng: random.Random, category: str, **over: Any) -> Case:
    """A grid worker finds something in his cell, on his way if he is on patrol."""
    cell = rng.choice(o.cells)
    worker = o.worker(cell.code)
    case = o.report(rng, worker, cell, category, Source.PATROL, **over)
    beside.note_finding(o, worker, case)
    return case


def told_by_hotline(o: Office, rng: random.Random, category: str) -> Case:
    """The acceptor registers what somebody said on the telephone."""
    cell, desk = rng.choice(o.cells), o.desk(Role.ACCEPTOR)
    return o.report(rng, desk, cell, category, Source.HOTLINE_12345, photos=())


def confirmed(o: Office, rng: random.Random, case: Case, found: str) -> Steps:
    """The worker of the cell looks on site before anything is filed."""
    yield o.work(rng.uniform(2, 25))
    worker = o.worker(case.cell_code)
    case = o.act(case, Action.ASK_CONFIRMATION, o.desk(Role.ACCEPTOR), worker_id=str(worker.id))
    yield o.work(rng.uniform(10, 60))
    return o.act(case, Action.CONFIRM, worker, found=found, opinion="已到现场核实")


def dispatched(o: Office, rng: random.Random, case: Case) -> Steps:
    """Whatever the class's policy left to the desks: acceptance, filing, dispatch."""
    if case.state is State.REPORTED:
        yield o.work(rng.uniform(2, 40))
        case = o.act(case, Action.ACCEPT, o.desk(Role.ACCEPTOR))
    if case.state is State.ACCEPTED:
        yield o.work(rng.uniform(5, 80))
        case = o.act(case, Action.FILE, o.shift_leader())
    if case.state is State.FILED:
        yield o.work(rng.uniform(5, 80))
        unit = UNIT_OF.get(case.category.split(":", 1)[1], case.community_code)
        case = o.act(case, Action.DISPATCH, o.desk(Role.DISPATCHER), unit_code=unit)
    return case


def signed(o: Office, rng: random.Random, case: Case) -> Steps:
    """The unit signs."""
    yield o.work(rng.uniform(5, 100))
    return o.act(case, Action.SIGN_FOR, o.handler(case))


def at_share(o: Office, case: Case, share: float) -> datetime:
    """The moment at which so much of the unit's limit is used up."""
    began, due = case.clock_started_at or o.now, case.due_at or o.now
    unit = case.limit_unit or LimitUnit.WORKING_HOUR
    used = elapsed(began, due, unit, o.calendar) * share
    return began + used if unit.is_natural else add_working_time(began, used, o.calendar)


def handled(o: Office, rng: random.Random, case: Case, share: float | None = None) -> Steps:
    """The unit reaches its milestones and hands in the result, in time unless a share says otherwise."""
    share = rng.uniform(0.3, 0.97) if share is None else share
    while part := next_milestone(case.milestones):
        yield o.work(rng.uniform(30, 200))
        case = o.act(case, Action.REACH_MILESTONE, o.handler(case), milestone=part.code, note="已完成")
    yield max(at_share(o, case, share), o.work(3))
    return o.act(case, Action.SUBMIT_RESULT, o.handler(case), result="已处置完毕")


def closed(o: Office, rng: random.Random, case: Case) -> Steps:
    """Another person verifies, everybody who reported is told, the case is closed."""
    yield o.work(rng.uniform(20, 220))
    case = o.act(case, Action.PASS_VERIFICATION, o.leader(case.cell_code), opinion="现场已恢复")
    yield o.work(rng.uniform(20, 220))
    beside.tell_merged(o, case)
    facts = {"feedback": "已电话告知办理结果"} if case.needs_feedback else {}
    return o.act(case, Action.CLOSE, o.shift_leader(), **facts)


def through(o: Office, rng: random.Random, case: Case, share: float | None = None) -> Steps:
    """From wherever it is to its end."""
    case = yield from dispatched(o, rng, case)
    case = yield from signed(o, rng, case)
    case = yield from handled(o, rng, case, share)
    return (yield from closed(o, rng, case))


# Fates


def plain(o: Office, rng: random.Random) -> Life:
    """Found, handled in time, verified, closed."""
    yield from through(o, rng, found_on_patrol(o, rng, rng.choice(_USUAL)))


def late(o: Office, rng: random.Random) -> Life:
    """The unit takes up to two and a half times its limit, and the case climbs the ladder."""
    yield from through(o, rng, found_on_patrol(o, rng, rng.choice(_USUAL)), rng.uniform(1.05, 2.5))


def community(o: Office, rng: random.Random) -> Life:
    """The lowest level: the grid worker of the community puts it right himself."""
    yield from through(o, rng, found_on_patrol(o, rng, SORTING))


def rework(o: Office, rng: random.Random) -> Life:
    """The check fails once."""
    case = yield from dispatched(o, rng, found_on_patrol(o, rng, rng.choice(_USUAL)))
    case = yield from signed(o, rng, case)
    case = yield from handled(o, rng, case)
    yield o.work(rng.uniform(20, 200))
    case = o.act(case, Action.FAIL_VERIFICATION, o.leader(case.cell_code), reason="现场仍有残留")
    case = yield from handled(o, rng, case)
    yield from closed(o, rng, case)


def hotline(o: Office, rng: random.Random) -> Life:
    """Said by somebody from outside, confirmed, handled; asked afterwards whether he is content."""
    case = told_by_hotline(o, rng, rng.choice(_USUAL))
    case = yield from confirmed(o, rng, case, "yes")
    case = yield from through(o, rng, case)
    yield o.work(rng.uniform(200, 900))
    beside.revisit(o, case, satisfied=rng.random() < 0.9)


def unfounded(o: Office, rng: random.Random) -> Life:
    """Nothing of it is found on site."""
    case = yield from confirmed(o, rng, told_by_hotline(o, rng, rng.choice(_USUAL)), "no")
    yield o.work(rng.uniform(5, 30))
    beside.tell(o, case, "现场未见所反映问题，已说明")
    o.act(case, Action.REJECT, o.desk(Role.ACCEPTOR), reason="核实不属实，已说明")


def off_list(o: Office, rng: random.Random) -> Life:
    """On no duty list: no rule routes it, and it is not accepted."""
    case = found_on_patrol(o, rng, OFF_LIST)
    yield o.work(rng.uniform(900, 3000))
    o.act(case, Action.REJECT, o.desk(Role.ACCEPTOR), reason="不在职责清单内")


def duplicate(o: Office, rng: random.Random) -> Life:
    """Two people tell of one thing: what the second says is merged into what is being handled already."""
    first = found_on_patrol(o, rng, REFUSE)
    o.diary.begin(_second(o, rng, first), o.work(rng.uniform(1, 4)))
    yield from through(o, rng, first)


def _second(o: Office, rng: random.Random, first: Case) -> Life:
    case = told_by_hotline(o, rng, REFUSE)
    yield o.work(rng.uniform(0.5, 3))
    o.act(case, Action.MERGE, o.desk(Role.ACCEPTOR), master_id=str(first.id))


def self_handled(o: Office, rng: random.Random) -> Life:
    """Put right on the spot; somebody else looks at the two photos."""
    case = found_on_patrol(o, rng, rng.choice(_MINOR), self_handled=True)
    yield o.work(rng.uniform(30, 300))
    o.act(case, Action.APPROVE_SELF_HANDLING, o.shift_leader())


def self_handled_badly(o: Office, rng: random.Random) -> Life:
    """The two photos do not show that it was put right."""
    case = found_on_patrol(o, rng, rng.choice(_MINOR), self_handled=True)
    yield o.work(rng.uniform(30, 300))
    o.act(case, Action.REFUSE_SELF_HANDLING, o.shift_leader(), reason="前后照片非同一地点")


def milestones(o: Office, rng: random.Random) -> Life:
    """An illegal building: stopped, fined, removed."""
    yield from through(o, rng, found_on_patrol(o, rng, ILLEGAL_BUILDING), rng.uniform(0.3, 0.6))


def declined(o: Office, rng: random.Random) -> Life:
    """The shift leader gives it back to the acceptor once."""
    case = found_on_patrol(o, rng, ILLEGAL_BUILDING)
    yield o.work(rng.uniform(5, 50))
    case = o.act(case, Action.DECLINE, o.shift_leader(), reason="位置描述不清，请补充")
    yield from through(o, rng, case, rng.uniform(0.2, 0.5))


def voided(o: Office, rng: random.Random) -> Life:
    """Filed by mistake: the dispatcher asks, the shift leader grants."""
    case = found_on_patrol(o, rng, POTHOLE)
    yield o.work(rng.uniform(5, 40))
    request = beside.ask(o, case, Action.VOID, o.desk(Role.DISPATCHER), reason="同一井盖重复立案")
    yield o.work(rng.uniform(5, 60))
    beside.grant(o, request, o.shift_leader())


def _returned(o: Office, rng: random.Random, case: Case, by: Role) -> Steps:
    """The unit says that it is not its business, and somebody grants that."""
    yield o.work(rng.uniform(10, 60))
    case = o.act(case, Action.SIGN_FOR, o.handler(case))
    yield o.work(rng.uniform(10, 60))
    facts = {"reason": "非本单位管养", "basis": "《权属目录》第12项"}
    request = beside.ask(o, case, Action.SEND_BACK, o.handler(case), **facts)
    if o.case(case).state is State.HANDLING:
        yield o.work(rng.uniform(10, 60))
        beside.grant(o, request, o.desk(by))
    return o.case(case)


def returned(o: Office, rng: random.Random) -> Life:
    """Sent back once; the unit that gets it next begins with its own time."""
    case = yield from dispatched(o, rng, found_on_patrol(o, rng, POTHOLE))
    case = yield from _returned(o, rng, case, Role.DISPATCHER)
    yield o.work(rng.uniform(5, 50))
    case = o.act(case, Action.DISPATCH, o.desk(Role.DISPATCHER), unit_code=ANOTHER)
    case = yield from signed(o, rng, case)
    case = yield from handled(o, rng, case)
    yield from closed(o, rng, case)


def returned_thrice(o: Office, rng: random.Random) -> Life:
    """Nobody wants it: the third return goes to the district, whose ruling ends the dispute."""
    case = yield from dispatched(o, rng, found_on_patrol(o, rng, POTHOLE))
    for by, following in ((Role.DISPATCHER, ANOTHER), (Role.DIRECTOR, THIRD)):
        case = yield from _returned(o, rng, case, by)
        yield o.work(rng.uniform(5, 50))
        case = o.act(case, Action.DISPATCH, o.desk(Role.DISPATCHER), unit_code=following)
    case = yield from _returned(o, rng, case, Role.DIRECTOR)
    yield from _ruled(o, rng, case)


def referred(o: Office, rng: random.Random) -> Life:
    """The dispatcher knows no owner and asks the district."""
    case = found_on_patrol(o, rng, POTHOLE)
    yield o.work(rng.uniform(5, 50))
    case = o.act(case, Action.REFER, o.desk(Role.DISPATCHER), reason="两区交界，无责任主体")
    yield from _ruled(o, rng, case)


def _ruled(o: Office, rng: random.Random, case: Case) -> Steps:
    yield o.work(rng.uniform(100, 800))
    facts = {"unit_code": DEPARTMENT, "document_no": "区网格裁〔示例〕1号"}
    case = o.act(case, Action.RULE, o.desk(Role.DISTRICT_OFFICER), **facts)
    return (yield from through(o, rng, case))


def extended(o: Office, rng: random.Random) -> Life:
    """A first extension."""
    case = yield from dispatched(o, rng, found_on_patrol(o, rng, rng.choice(_USUAL)))
    case = yield from signed(o, rng, case)
    case = yield from beside.extended(o, case, o.desk(Role.DISPATCHER))
    case = yield from handled(o, rng, case)
    yield from closed(o, rng, case)


def extended_twice(o: Office, rng: random.Random) -> Life:
    """A second extension, on a document that the director signed."""
    case = yield from dispatched(o, rng, found_on_patrol(o, rng, POTHOLE))
    case = yield from signed(o, rng, case)
    case = yield from beside.extended(o, case, o.desk(Role.DISPATCHER))
    case = yield from beside.extended(o, case, o.desk(Role.DIRECTOR), document="街延〔示例〕1号")
    case = yield from handled(o, rng, case)
    yield from closed(o, rng, case)


def held(o: Office, rng: random.Random) -> Life:
    """On hold for some days, because something is missing; what was left of the limit goes on after it."""
    case = yield from dispatched(o, rng, found_on_patrol(o, rng, POTHOLE))
    case = yield from signed(o, rng, case)
    day = (o.now + timedelta(days=rng.randint(2, 6))).date().isoformat()
    request = beside.ask(o, case, Action.HOLD, o.handler(case), reason="等待配件", resume_on=day)
    yield o.work(10)
    beside.grant(o, request, o.desk(Role.DISPATCHER))
    case = o.case(case)
    yield o.work(rng.uniform(400, 2000))
    case = o.act(case, Action.RESUME, o.handler(case))
    case = yield from handled(o, rng, case)
    yield from closed(o, rng, case)


def _called(o: Office, rng: random.Random, answer: beside.Answers) -> Life:
    case = yield from dispatched(o, rng, found_on_patrol(o, rng, rng.choice(_USUAL)))
    case = yield from signed(o, rng, case)
    call = beside.issue_call(o, case)
    yield from answer(o, rng, call)
    case = yield from handled(o, rng, o.case(case))
    yield from closed(o, rng, case)


def called(o: Office, rng: random.Random) -> Life:
    """A joint call: the units come, report, and the director says what he thinks of it."""
    yield from _called(o, rng, beside.answered)


def called_and_refused(o: Office, rng: random.Random) -> Life:
    """A joint call that one unit refuses; its reasons and the case's record become a pack."""
    yield from _called(o, rng, beside.refused_by_one)


def called_back(o: Office, rng: random.Random) -> Life:
    """A joint call that is not needed any more: withdrawn with a reason, unit by unit."""
    yield from _called(o, rng, beside.withdrawn)


def supervised(o: Office, rng: random.Random) -> Life:
    """Overdue, urged from above, answered, then handled."""
    case = yield from dispatched(o, rng, found_on_patrol(o, rng, rng.choice(_USUAL)))
    case = yield from signed(o, rng, case)
    yield max(at_share(o, case, rng.uniform(1.1, 1.4)), o.work(3))
    order = beside.urge(o, case)
    yield o.work(rng.uniform(30, 600))
    beside.reply(o, order, o.unit(str(case.unit_code)))
    case = yield from handled(o, rng, case, 1.5)
    yield from closed(o, rng, case)


def reopened(o: Office, rng: random.Random) -> Life:
    """Whoever reported is not content: reopened, handled again."""
    case = yield from confirmed(o, rng, told_by_hotline(o, rng, rng.choice(_USUAL)), "yes")
    case = yield from through(o, rng, case)
    yield o.work(rng.uniform(200, 900))
    beside.revisit(o, case, satisfied=False)
    case = o.act(case, Action.REOPEN, o.shift_leader(), reason="回访不满意，问题复发")
    case = yield from handled(o, rng, case)
    yield from closed(o, rng, case)


BY_NAME: MappingProxyType[str, Callable[[Office, random.Random], Life]] = MappingProxyType(
    {
        life.__name__: life
        for life in (
            plain, late, community, rework, hotline, unfounded, off_list, duplicate, self_handled,
            self_handled_badly, milestones, declined, voided, returned, returned_thrice, referred, extended,
            extended_twice, held, called, called_and_refused, called_back, supervised, reopened,
        )
    }
)  # fmt: skip
"""The fates by the names that ``plan.FATES`` gives them."""
