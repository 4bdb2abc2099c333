"""What a form may offer for the facts of an action."""

from datetime import datetime

from gridmgmt.domain.case import Case
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.workflow import Action
from gridmgmt.services.clocking import offered_milestone


def choices(case: Case, action: Action, now: datetime, book: RuleBook) -> dict[str, list[dict[str, str]]]:
    """What a form may offer for a fact: values with the names that people read; empty where it is free."""
    if action in {Action.DISPATCH, Action.RULE}:
        active = [u for u in book.units.values() if u.active]
        if case.ruled and action is Action.DISPATCH:
            active = [u for u in active if u.code == case.unit_code]
        return {"unit_code": [{"value": u.code, "label": u.name} for u in active]}
    if action is Action.ASK_CONFIRMATION:
        people = book.roster.people_of(case.cell_code, book.day_of(now))
        return {"worker_id": [{"value": str(p), "label": book.people.get(p, "")} for p in people]}
    category = book.category_or_none(case.category, case.reported_at)
    if category is None:
        return {}
    if action is Action.REACH_MILESTONE:
        on, code = book.day_of(case.clock_started_at or now), offered_milestone(case)
        names = {m.code: m.name for m in book.catalogue.milestones_for(category, on)}
        return {"milestone": [{"value": code, "label": names.get(code, code)}] if code else []}
    if action is Action.FILE:
        conditions = book.catalogue.filing_conditions_for(category)
        return {"condition": [{"value": c.code, "label": c.text} for c in conditions]}
    return {}
