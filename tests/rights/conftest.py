"""One database for all trials of rights: the street at work, and its rows copied into two others."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine

from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import outbox
from gridmgmt.storage.db import Db, make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import NOW
from tests.builders_street import ENFORCEMENT, Street
from tests.rights.rows import Place, fill


@dataclass(frozen=True)
class Filled:
    """A database with rows everywhere, and where they are."""

    engine: Engine
    url: str
    places: dict[str, dict[str, Place]]


@pytest.fixture(scope="package")
def filled(clone, demo_template: str) -> Iterator[Filled]:
    """Rows of every table in three streets."""
    url = clone(demo_template)
    engine = make_engine(url, pool_size=2)
    with transaction(engine, NOBODY) as db:
        _work(Street(db, RuleBooks()))
        places = fill(db)
    yield Filled(engine, url, places)
    engine.dispose()


def _work(street: Street) -> None:
    from gridmgmt.domain.workflow import Action  # noqa: PLC0415

    case = street.report(cell=street.duty_cells[0])
    unit = street.handler(ENFORCEMENT)
    street.act(case, Action.SIGN_FOR, unit)
    street.ask(case, Action.EXTEND, unit, reason="需要配件", amount=1, unit="working_day")
    outbox.mark_delivered(street.db, [row.id for row in outbox.claim(street.db)], NOW)


@pytest.fixture
def trial_db(filled: Filled) -> Iterator[Db]:
    """A transaction in which rights are tried; taken back in the end."""
    with filled.engine.connect() as connection:
        began = connection.begin()
        connection.info["acting"] = NOBODY
        yield connection
        began.rollback()
        connection.info.pop("acting", None)
