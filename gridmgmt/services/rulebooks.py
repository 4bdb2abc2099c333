"""Rulebooks and wordings held in memory, one per subdistrict, as long as the database's revision stays."""

from threading import Lock

from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.wording import Wording
from gridmgmt.storage import catalogue, wordings
from gridmgmt.storage.db import Db, acting_as
from gridmgmt.storage.rights.walls import Acting


class RuleBooks:
    """Shared by the threads of one process; belongs to the composition root."""

    def __init__(self) -> None:
        self._held: dict[str, RuleBook] = {}
        self._wordings: dict[str, tuple[int, Wording]] = {}
        self._loading = Lock()

    def at_revision(self, db: Db, subdistrict_code: str, revision: int) -> RuleBook:
        """The rulebook for a revision that the caller has just read in his own transaction."""
        held = self._held.get(subdistrict_code)
        if held is not None and held.revision == revision:
            return held
        # One thread builds (it costs a plan's index); the others wait instead of doing it again.
        with self._loading:
            held = self._held.get(subdistrict_code)
            if held is None or held.revision != revision:
                # What a rulebook holds must not depend on the rights of whoever happens to ask first.
                with acting_as(db, Acting.rules(subdistrict_code)):
                    held = catalogue.load_rulebook(db, subdistrict_code, known=held)
                self._held[subdistrict_code] = held
        return held

    def current(self, db: Db, subdistrict_code: str) -> RuleBook:
        """The rulebook as of this transaction."""
        return self.at_revision(db, subdistrict_code, catalogue.revision(db))

    def wording(self, db: Db, subdistrict_code: str) -> Wording:
        """How people speak of classes, as of this transaction; read only when somebody asks for it."""
        revision = catalogue.revision(db)
        held = self._wordings.get(subdistrict_code)
        if held is None or held[0] != revision:
            with acting_as(db, Acting.rules(subdistrict_code)):
                held = (revision, wordings.load(db, subdistrict_code))
            self._wordings[subdistrict_code] = held
        return held[1]
