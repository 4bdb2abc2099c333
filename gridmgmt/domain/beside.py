"""What stands beside a case and is not its state: joint calls, people who have to be told, hands lent there.

Read together with the case and handed to ``case.advance``, which lets no case end over it: a joint
call 吹哨 that is open is neither closed over nor cancelled silently (R22c), and everybody whose report
was merged 并案 into the case has been told before it ends, or it is on record why he could not be
(article 14-2, R14b).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

from gridmgmt.domain.permissions import Axis
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import NotReady

_NOBODY: Mapping[UUID, Axis] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Beside:
    """``hands`` are those lent to the case in its joint calls: whoever answered one has handled."""

    open_calls: tuple[UUID, ...] = ()
    untold: tuple[UUID, ...] = ()
    hands: Mapping[UUID, Axis] = field(default_factory=lambda: _NOBODY)


NOTHING = Beside()


def require_endable(action: Action, target: State, beside: Beside) -> None:
    """Refuse to end a case over what is open beside it.

    A report that is merged goes on in its master, and those who wait for an answer with it; an open call
    does not, so that it is answered or withdrawn first.

    Raises
    ------
    NotReady
        ``guard`` is ``open_call`` or ``reporters_told``; ``facts`` name the calls or the reports.
    """
    if not target.is_final:
        return
    if beside.open_calls:
        raise NotReady(
            "A joint call about this case is open; it is answered or withdrawn first.",
            article="22-2", rule="R22c", guard="open_call", action=str(action),
            calls=[str(c) for c in beside.open_calls],
        )  # fmt: skip
    if beside.untold and target is not State.MERGED:
        raise NotReady(
            "Everybody whose report was merged into this case is told first, or it is recorded why not.",
            article="14-2", rule="R14b", guard="reporters_told", action=str(action),
            cases=[str(c) for c in beside.untold],
        )  # fmt: skip
