"""Every policy, grant and guard is missed when it is gone: taken away one by one, something above fails."""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from gridmgmt.storage.db import Db
from gridmgmt.storage.rights import policies
from gridmgmt.storage.rights.matrix import VERBS, read_matrix
from tests.rights.checks import hidden_columns_seen, wrong
from tests.rights.conftest import Filled
from tests.rights.test_catalogue import QUESTIONS, UNBOUND

MATRIX = read_matrix()
# All of them take minutes: GRIDMGMT_ALL_MUTANTS=1 tries each, continuous integration a seeded fifth.
SHARE = 1.0 if os.environ.get("GRIDMGMT_ALL_MUTANTS") else 0.2


@dataclass(frozen=True)
class Mutant:
    """One thing taken away or given too much, and the verbs that must notice; none for columns."""

    table: str
    statement: str
    verbs: tuple[str, ...]


def _mutants(db: Db) -> Iterator[Mutant]:
    """Every policy dropped, every grant revoked, row-level security off, columns opened."""
    rows = db.execute(
        text("select tablename, policyname, cmd from pg_policies where schemaname = 'app' order by 1, 2")
    ).all()
    for table, policy, command in rows:
        # The owner's are tried by what runs as the owner: sign-in, rulebook revision, audit images.
        if not policy.endswith("_owner"):
            verbs = VERBS if command == "ALL" else (command.lower(),)
            yield Mutant(table, f"drop policy {policy} on app.{table}", verbs)
    for rights in MATRIX.values():
        table = f"app.{rights.table}"
        yield Mutant(rights.table, f"alter table {table} disable row level security", VERBS)
        for verb in VERBS:
            for wall in rights.walls(verb):
                yield Mutant(rights.table, f"revoke {verb} on {table} from {wall.role}", (verb,))
        for wall in rights.columns:
            yield Mutant(rights.table, f"grant select on {table} to {wall.role}", ())


def _noticed(db: Db, mutant: Mutant, filled: Filled) -> bool:
    rights = MATRIX[mutant.table]
    if db.execute(text(QUESTIONS[UNBOUND])).first() is not None:
        return True  # tests/rights/test_catalogue.py fails
    if mutant.verbs:
        found = wrong(db, rights, filled.places, mutant.verbs)
    else:
        found = hidden_columns_seen(db, rights)
    return next(found, None) is not None


def test_no_policy_or_grant_can_go_unnoticed(filled: Filled, trial_db: Db) -> None:
    mutants = list(_mutants(trial_db))
    chosen = random.Random(41).sample(mutants, round(len(mutants) * SHARE))
    unnoticed = []
    for mutant in chosen:
        mutated = trial_db.begin_nested()
        trial_db.execute(text("set local app.migration = 'mutation'"))
        trial_db.execute(text(mutant.statement))
        if not _noticed(trial_db, mutant, filled):
            unnoticed.append(mutant.statement)
        mutated.rollback()
    assert unnoticed == []
    assert len(chosen) > 60


@pytest.mark.parametrize(
    "statement",
    [
        "drop policy cases_scope on app.cases",
        "create policy more on app.cases for select to gridmgmt_business using (true)",
        "alter policy cases_select on app.cases using (true)",
        "alter table app.reports no force row level security",
        "alter table app.reports disable row level security",
        "grant select on app.reports to gridmgmt_administrator",
        "grant select on app.people to public",
        "grant select (password_hash) on app.accounts to gridmgmt_business",
        "alter table app.case_steps disable trigger append_only",
        "alter function app.signed_in(bytea[], timestamptz, interval) security invoker",
        "grant gridmgmt_owner to gridmgmt_app",
        "alter role gridmgmt_app bypassrls",
        "create view app.everything as select * from app.reports",
    ],
)
def test_start_and_readiness_notice_whatever_was_changed_by_hand(trial_db: Db, statement: str) -> None:
    assert policies.deviation(trial_db) is None
    trial_db.execute(text("set local app.migration = 'mutation'"))
    trial_db.execute(text(statement))
    assert policies.deviation(trial_db) is not None
