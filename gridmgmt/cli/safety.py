"""Is this database one to entrust records to? Asked by ``gridmgmt db check`` and before a service starts."""

from gridmgmt.errors import NotAllowed, NotPrepared
from gridmgmt.settings import Environment, Settings
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.revision import current_revision, head_revision
from gridmgmt.storage.rights import policies
from gridmgmt.storage.rights.walls import NOBODY
from gridmgmt.storage.server_check import Finding, Severity, findings


def require_schema_and_rights(settings: Settings) -> str:
    """The schema's revision, which is this version's.

    Raises
    ------
    NotPrepared : the schema is another one, or the rights are not as the matrix has them.
    """
    engine = make_engine(settings.require_database_url(), pool_size=1, application="gridmgmt-check")
    try:
        with transaction(engine, NOBODY, read_only=True) as db:
            revision, deviation = current_revision(db), policies.deviation(db)
    finally:
        engine.dispose()
    if revision is None or revision != head_revision():
        raise NotPrepared("The schema is that of another version; run gridmgmt db migrate.", schema=revision)
    if deviation is not None:
        raise NotPrepared(f"Rights deviate: {deviation}.")
    return revision


def findings_of(settings: Settings) -> list[Finding]:
    """The server's settings as the application's connections see them."""
    engine = make_engine(settings.require_database_url(), pool_size=1, application="gridmgmt-check")
    try:
        with transaction(engine, NOBODY, read_only=True) as db:
            return findings(db)
    finally:
        engine.dispose()


def refuse_unsafe_server(settings: Settings) -> None:
    """In production, end here rather than acknowledge records that a crash loses.

    Raises
    ------
    NotAllowed : ``facts["faults"]`` says what is wrong.
    """
    if settings.environment is not Environment.PRODUCTION:
        return
    unsafe = [
        f"{f.setting} is {f.value}, should be {f.wanted}: {f.why}"
        for f in findings_of(settings)
        if f.severity is Severity.UNSAFE
    ]
    if unsafe:
        raise NotAllowed("The database server is not safe for production.", faults=unsafe)
