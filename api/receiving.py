"""From all bytes of a photo to its answer: what a PUT and the last piece of an upload share."""

from api.deps import Work
from gridmgmt.adapters.evidence.faults import reached
from gridmgmt.errors import GridError
from gridmgmt.services import evidence
from gridmgmt.services.evidence import Admission, Sent, Stored


def admitted(work: Work, sha256: str) -> Admission:
    """Whether the asker may send this photo; nothing is written."""
    with work.begin(read_only=True) as w:
        return evidence.admit(w.db, w.actor, w.now, w.rulebooks, sha256)


def received(work: Work, admission: Admission, sent: Sent) -> Stored:
    """Look into a photo, keep it, commit its row; runs in a thread, and holds no connection meanwhile.

    Raises
    ------
    UnacceptablePhoto, StoreFull, Unavailable
        After the ledger has it and it is on record.
    """
    outcome = evidence.take_in(work.parts.evidence, admission, sent)
    with work.begin() as w:
        stored = evidence.settle(w.db, w.actor, w.now, admission, sent, outcome)
    reached("committed")
    if isinstance(outcome, GridError):
        work.refuse(outcome)
    assert stored is not None  # noqa: S101  for the type checker: only a refusal leaves nothing
    return stored
