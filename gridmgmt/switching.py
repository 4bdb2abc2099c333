"""What the worker does when a grid plan takes effect: open cases go to their new cells.

A chore beside the worker's turn, so that live pages do not wait for it. Driven from the database: any number
of processes may do it, and each of them may die at any moment.
"""

from datetime import datetime

from sqlalchemy import Engine

from gridmgmt.observe import metrics
from gridmgmt.services import handing_over
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.worker import for_every_subdistrict

# A step ends now and then even under a backlog, so that a worker that is told to stop does.
_MOST_ROUNDS = 50


class HandingOver:
    """One worker's share of handing cases over.

    Parameters
    ----------
    batch : most cases handed over in one transaction.
    books : rulebooks that are held already.
    """

    def __init__(self, *, batch: int = handing_over.BATCH, books: RuleBooks | None = None) -> None:
        self._batch, self._books = batch, books or RuleBooks()

    def __call__(self, engine: Engine, now: datetime) -> None:
        """Hand over what waits, a batch in a transaction."""
        for _ in range(_MOST_ROUNDS):
            with for_every_subdistrict(engine) as db:
                done = handing_over.hand_over(db, now, self._books, limit=self._batch)
            metrics.handed_over(done)
            if done < self._batch:
                break
