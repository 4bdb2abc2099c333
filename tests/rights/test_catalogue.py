"""What PostgreSQL's catalogue must say of schema ``app``, whatever tables come."""

import pytest
from sqlalchemy import text

from gridmgmt.storage.db import Db
from gridmgmt.storage.rights import policies
from gridmgmt.storage.rights.matrix import VERBS, read_matrix
from gridmgmt.storage.rights.walls import WALLS_OF_PERSONS

UNBOUND = "a table without row-level security, or one that does not bind its owner"
QUESTIONS = {
    UNBOUND: """
        select relname from pg_class where relnamespace = 'app'::regnamespace and relkind in ('r', 'p')
           and relname <> 'schema_revision' and not (relrowsecurity and relforcerowsecurity)
    """,
    "something that a superuser owns, so that it would bypass everything": """
        select relname from pg_class where relnamespace = 'app'::regnamespace and relkind in ('r', 'v', 'S')
           and relowner <> 'gridmgmt_owner'::regrole
    """,
    "a view that shows what its owner sees": """
        select relname from pg_class where relnamespace = 'app'::regnamespace and relkind = 'v'
           and not coalesce('security_invoker=true' = any(reloptions), false)
    """,
    "a materialized view, which no policy binds": """
        select relname from pg_class where relnamespace = 'app'::regnamespace and relkind = 'm'
    """,
    "a function that runs as its owner and takes names from wherever the caller says": """
        select proname from pg_proc where pronamespace = 'app'::regnamespace and prosecdef
           and not exists (select from unnest(proconfig) c where c like 'search_path=%')
    """,
    "a role of ours that is a superuser or bypasses policies, the backup's aside": """
        select rolname from pg_roles where rolname like 'gridmgmt%' and rolname <> 'gridmgmt_backup'
           and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
    """,
    "a login that has the rights of its walls without asking": """
        select rolname from pg_roles where rolname like 'gridmgmt%' and rolcanlogin and rolinherit
           and rolname <> 'gridmgmt_backup'
    """,
    "a wall that somebody could log in as": """
        select rolname from pg_roles where rolcanlogin and rolname like 'gridmgmt%'
           and rolname not in ('gridmgmt_app', 'gridmgmt_worker', 'gridmgmt_migrate', 'gridmgmt_backup')
    """,
    "a table or sequence that everybody may touch": """
        select relname from pg_class, aclexplode(relacl) where relnamespace = 'app'::regnamespace
           and grantee = 0
    """,
    "a function of the owner's that everybody may call": """
        select proname from pg_proc p where pronamespace = 'app'::regnamespace and prosecdef
           and prorettype <> 'trigger'::regtype and has_function_privilege('public', p.oid, 'execute')
    """,
    "a table whose rows have images that the verifier may not compare them with": """
        select tgrelid::regclass from pg_trigger where tgname = 'keep_image'
           and not has_table_privilege('gridmgmt_sealer', tgrelid, 'select')
    """,
    "the API's login reaching what belongs to the worker, the schema or the seal": """
        select roleid::regrole from pg_auth_members where member = 'gridmgmt_app'::regrole and roleid in (
            'gridmgmt_owner'::regrole, 'gridmgmt_system'::regrole, 'gridmgmt_sealer'::regrole,
            'gridmgmt_setup'::regrole)
    """,
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_there_is_not(trial_db: Db, question: str) -> None:
    assert [] == trial_db.execute(text(QUESTIONS[question])).scalars().all()


def test_every_walls_rows_are_held_to_a_scope_where_the_table_has_one(trial_db: Db) -> None:
    restrictive = {
        r.tablename: set(r.roles)
        for r in trial_db.execute(
            text(
                "select tablename, roles::text[] as roles from pg_policies"
                " where schemaname = 'app' and permissive = 'RESTRICTIVE'"
            )
        )
    }
    walls = {wall.role for wall in WALLS_OF_PERSONS}
    for table, rights in read_matrix().items():
        people = {wall.role for verb in VERBS for wall in rights.walls(verb)} & walls
        if people and rights.scope != "common":
            assert walls <= restrictive[table], table


def test_the_rights_stand_as_they_were_written(trial_db: Db) -> None:
    assert policies.deviation(trial_db) is None


def test_writing_rights_again_changes_nothing(trial_db: Db) -> None:
    trial_db.execute(text("set local role gridmgmt_owner"))
    assert policies.apply(trial_db) is False
