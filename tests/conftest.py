"""Databases for the tests: one private cluster, two templates, cheap clones.

* ``db``: a connection inside a transaction that is rolled back, on the demo street. The usual choice.
* ``demo_url``: the database under ``db``; each worker process has one clone. Nobody commits into it.
* ``own_demo_url``, ``own_empty_url``: a clone of the module's own, for tests that commit.

The templates are named after a hash of what they are made of, so they are built once for all worker
processes and the demo street also once for all runs, until something of it changes. Every row in them
is as of :data:`NOW`; the street is real, its people and households are synthetic.

Without PostGIS these tests are skipped with the reason; where ``CI`` is set they fail.
"""

import hashlib
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import Engine

from gridmgmt.errors import Unavailable
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import schema
from gridmgmt.storage.db import Db, make_engine, transaction
from gridmgmt.storage.embedded import Cluster, test_cluster
from gridmgmt.storage.rights.prepare import prepare
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import NOW, STREET

CHECKOUT = Path(__file__).resolve().parents[1]
_SCHEMA_SOURCES = (
    "gridmgmt/storage/migrations",
    "gridmgmt/storage/tables",
    "gridmgmt/storage/rights",
    "gridmgmt/storage/schema.py",
)
_DEMO_SOURCES = (
    "data",
    "gridmgmt/demo/load.py",
    "gridmgmt/demo/people.py",
    "gridmgmt/domain",
    "gridmgmt/geo",
    "gridmgmt/planning",
    "gridmgmt/services/cataloguing.py",
    "gridmgmt/services/gridplans.py",
    "gridmgmt/storage",
    "tests/conftest.py",
)
_numbers = itertools.count(1)


def without_database(reason: str, *, in_ci: bool) -> NoReturn:
    """A test of the database that does not run proves nothing: continuous integration fails."""
    if in_ci:
        pytest.fail(f"no PostGIS: {reason}", pytrace=False)
    pytest.skip(f"no PostGIS: {reason}")


def _fingerprint(*sources: str) -> str:
    digest = hashlib.sha256()
    for source in sources:
        path = CHECKOUT / source
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(CHECKOUT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The tests' own PostgreSQL with PostGIS; the last process out stops it."""
    with ExitStack() as held:
        found = test_cluster()
        try:
            held.enter_context(found.shared())
        except Unavailable as reason:
            without_database(reason.message, in_ci=bool(os.environ.get("CI")))
        yield found


@pytest.fixture(scope="session")
def empty_template(cluster: Cluster) -> str:
    """A database with extensions and migrations, and nothing in it."""
    name = f"empty_{_fingerprint(*_SCHEMA_SOURCES)}"
    cluster.create_template(name, _migrated)
    return name


@pytest.fixture(scope="session")
def demo_template(cluster: Cluster) -> str:
    """A database with the synthetic demo street, its people, rules and published plan."""
    return _street_template(cluster)


def _street_template(cluster: Cluster) -> str:
    name = f"demo_{_fingerprint(*_DEMO_SOURCES)}"
    cluster.create_template(name, _load_street)
    return name


def _migrated(url: str) -> None:
    prepare(url)
    schema.migrate(url)


def demo_database(cluster: Cluster, name: str) -> str:
    """A fresh demo street under a name, for programs that run beside pytest; its URL."""
    return cluster.clone(_street_template(cluster), name)


def _load_street(url: str) -> None:
    from gridmgmt.demo.load import load_demo  # noqa: PLC0415  geopandas takes a second to import

    _migrated(url)
    engine = make_engine(url, pool_size=1)
    try:
        load_demo(engine, CHECKOUT / "data", NOW, lambda *_: None)
    finally:
        engine.dispose()


Cloner = Callable[[str], str]


@pytest.fixture(scope="session")
def clone(cluster: Cluster) -> Iterator[Cloner]:
    """Make a fresh copy of a template; all copies are dropped in the end."""
    made: list[str] = []

    def copy(template: str) -> str:
        made.append(f"clone_{os.getpid()}_{next(_numbers)}")
        return cluster.clone(template, made[-1])

    yield copy
    for name in made:
        cluster.drop(name)


@pytest.fixture(scope="session")
def demo_url(clone: Cloner, demo_template: str) -> str:
    """This worker process's demo street. Never commit into it: use ``db``."""
    return clone(demo_template)


@pytest.fixture(scope="module")
def own_demo_url(clone: Cloner, demo_template: str) -> str:
    """A demo street of the module's own, to commit into."""
    return clone(demo_template)


@pytest.fixture(scope="module")
def own_empty_url(clone: Cloner, empty_template: str) -> str:
    """A migrated database without any row, of the module's own."""
    return clone(empty_template)


@pytest.fixture(scope="session")
def engine(demo_url: str) -> Iterator[Engine]:
    """Connections to ``demo_url``."""
    made = make_engine(demo_url, pool_size=2)
    yield made
    made.dispose()


@pytest.fixture
def db(engine: Engine) -> Iterator[Db]:
    """One transaction on the demo street; whatever the test writes is rolled back."""
    with engine.connect() as connection:
        began = connection.begin()
        # The login itself, also where a test before acted for somebody on this pooled connection.
        connection.info["acting"] = NOBODY
        yield connection
        began.rollback()


@pytest.fixture(scope="session")
def street_books(engine: Engine) -> RuleBooks:
    books = RuleBooks()
    with transaction(engine, NOBODY, read_only=True) as connection:
        books.current(connection, STREET)
    return books


@pytest.fixture
def books(street_books: RuleBooks) -> RuleBooks:
    """Rulebooks that know the demo street already; what a test adds to them dies with it.

    A rulebook is held by its revision number, and two rolled-back tests may both have made the next one.
    """
    mine = RuleBooks()
    mine._held.update(street_books._held)
    return mine
