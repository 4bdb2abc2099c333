"""What stands beside a case keeps it from ending, and from nothing else."""

from uuid import UUID

import pytest

from gridmgmt.domain.beside import NOTHING, Beside
from gridmgmt.domain.case import check
from gridmgmt.domain.org import Role
from gridmgmt.domain.workflow import TRANSITIONS, Action, State
from gridmgmt.errors import NotReady
from tests.builders_cases import FACTS, UNIT, case_for, make_actor, make_case

EVERYBODY = make_actor(*set(Role) - {Role.SYSTEM}, unit_code=UNIT)
CALL, REPORT = UUID(int=900), UUID(int=901)


def guard_of(state: State, action: Action, beside: Beside) -> str | None:
    try:
        check(case_for(state, action), action, EVERYBODY, FACTS, beside=beside)
    except NotReady as refused:
        return str(refused.facts["guard"])
    return None


@pytest.mark.parametrize(("state", "action"), TRANSITIONS)
def test_an_open_call_keeps_every_ending_back_and_no_other_move(state: State, action: Action) -> None:
    ends = TRANSITIONS[state, action].target in {State.CLOSED, State.REJECTED, State.MERGED, State.VOIDED}
    assert ("open_call" if ends else None) == guard_of(state, action, Beside(open_calls=(CALL,)))
    assert guard_of(state, action, NOTHING) is None


@pytest.mark.parametrize(("state", "action"), TRANSITIONS)
def test_a_reporter_who_was_not_told_keeps_back_what_would_answer_him_never(
    state: State, action: Action
) -> None:
    """Merging hands his report on to the next master; every other ending would lose him."""
    ends = TRANSITIONS[state, action].target in {State.CLOSED, State.REJECTED, State.VOIDED}
    assert ("reporters_told" if ends else None) == guard_of(state, action, Beside(untold=(REPORT,)))


def test_the_refusal_names_what_is_open_and_on_which_article() -> None:
    for beside, article, facts in (
        (Beside(open_calls=(CALL,)), "22-2", {"calls": [str(CALL)]}),
        (Beside(untold=(REPORT,)), "14-2", {"cases": [str(REPORT)]}),
    ):
        with pytest.raises(NotReady) as refused:
            check(make_case(State.VERIFIED), Action.CLOSE, EVERYBODY, FACTS, beside=beside)
        assert article == refused.value.article
        assert facts.items() <= refused.value.facts.items()
