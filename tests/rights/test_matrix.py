"""The matrix of rights by SQL: every role and wall, every table, every verb, on rows of three streets."""

import pytest

from gridmgmt.domain.org import Role
from gridmgmt.storage.db import Db
from gridmgmt.storage.rights.matrix import VERBS, read_matrix
from tests.rights.checks import hidden_columns_seen, wrong
from tests.rights.conftest import Filled

MATRIX = read_matrix()


@pytest.mark.parametrize("table", MATRIX)
def test_postgresql_lets_through_what_the_matrix_says_and_nothing_else(
    filled: Filled, trial_db: Db, table: str
) -> None:
    assert [] == list(wrong(trial_db, MATRIX[table], filled.places))


@pytest.mark.parametrize("table", [t for t, rights in MATRIX.items() if rights.columns])
def test_a_wall_reads_the_columns_it_needs_and_no_others(trial_db: Db, table: str) -> None:
    assert [] == list(hidden_columns_seen(trial_db, MATRIX[table]))


def test_nobody_rewrites_or_removes_what_happened() -> None:
    for table in ("audit_log", "audit_leaves", "case_steps", "reports", "report_photos"):
        for verb in ("update", "delete"):
            assert not MATRIX[table].roles[verb], f"{verb} {table}"
            assert not MATRIX[table].passes[verb], f"{verb} {table}"


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR])
def test_no_administrator_reads_business_data(role: Role) -> None:
    business = {"reports", "report_photos", "photos", "cases", "case_steps", "case_requests"}
    if role is Role.AUDITOR:
        business -= {"photos"}  # an original photo, opened with a reason: decision 0012
    assert [t for t in business if any(role in MATRIX[t].roles[verb] for verb in VERBS)] == []


def test_the_auditor_changes_nothing_but_what_records_his_own_looking_and_reading() -> None:
    changed = {
        table
        for table, rights in MATRIX.items()
        for verb in ("insert", "update", "delete")
        if Role.AUDITOR in rights.roles[verb]
    }
    looking = {"original_links", "original_link_uses", "photo_ledger"}
    reading = {"notifications", "push_subscriptions"}
    assert changed <= {"audit_log", "sessions", "accounts", "devices"} | looking | reading
