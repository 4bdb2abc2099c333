"""What the database itself refuses about identity, whatever the program forgets."""

import threading

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from gridmgmt.domain.administrators import THE_THREE
from gridmgmt.domain.org import Role
from gridmgmt.storage import people
from gridmgmt.storage.db import Db, make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import ELSEWHERE, STREET
from tests.builders_street import found_small_street

_GRANT = text("insert into app.person_roles values (:person, :role, :street)")


@pytest.mark.parametrize("role", sorted(THE_THREE))
@pytest.mark.parametrize("more", sorted(Role))
def test_the_database_keeps_the_three_administrators_apart(db: Db, role: Role, more: Role) -> None:
    found_small_street(db)
    person = people.person_named(db, "demo-planner")
    db.execute(text("delete from app.person_roles where person_id = :p"), {"p": person})
    db.execute(_GRANT, {"person": person, "role": role, "street": STREET})
    granted = {"person": person, "role": more, "street": ELSEWHERE}
    if more == role:
        db.execute(_GRANT, granted)
        return
    with pytest.raises(IntegrityError, match="administrators_apart"), db.begin_nested():
        db.execute(_GRANT, granted)


def test_two_posts_of_the_business_are_no_matter(db: Db) -> None:
    person = people.person_named(db, "demo-acceptor")
    db.execute(_GRANT, {"person": person, "role": Role.SHIFT_LEADER, "street": STREET})


def test_two_grants_at_one_moment_do_not_slip_past_each_other(own_demo_url: str) -> None:
    engine: Engine = make_engine(own_demo_url, pool_size=3)
    with transaction(engine, NOBODY) as one:
        person = people.person_named(one, "demo-planner")
        one.execute(text("delete from app.person_roles where person_id = :p"), {"p": person})
    refused: list[bool] = []

    def grant_the_other() -> None:
        try:
            with transaction(engine, NOBODY) as other:
                other.execute(_GRANT, {"person": person, "role": Role.AUDITOR, "street": STREET})
            refused.append(False)
        except IntegrityError:
            refused.append(True)

    with transaction(engine, NOBODY) as one:
        one.execute(_GRANT, {"person": person, "role": Role.ADMINISTRATOR, "street": STREET})
        racing = threading.Thread(target=grant_the_other)
        racing.start()
        # The other waits for this transaction's outcome; it cannot have been let through before it.
        racing.join(0.3)
        assert refused == []
    racing.join(20)
    engine.dispose()
    assert refused == [True]


def test_what_counts_failures_is_not_in_the_write_ahead_log(db: Db) -> None:
    kind = db.execute(text("select relpersistence from pg_class where oid = 'app.throttle'::regclass"))
    assert kind.scalar() == "u"


def test_no_secret_is_stored_as_it_is(db: Db) -> None:
    """Every column that could hold a secret is a hash or sealed, and says so in its name."""
    columns = db.execute(text(
        "select table_name || '.' || column_name from information_schema.columns where table_schema = 'app'"
        " and column_name ~ 'password|secret|token|ticket|code_sha|totp|jti' and data_type <> 'boolean'"
    )).scalars()  # fmt: skip
    kept = ("_sha256", "_sealed", "_hash", "_at", "_step")
    assert [name for name in columns if not name.endswith(kept)] == []
