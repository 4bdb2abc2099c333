"""A database of the demo subdistrict for one notebook: made, used, thrown away.

A notebook that publishes a plan must not publish it where people work. So it gets a database of its own in
the embedded cluster, under a name that nothing else uses, whatever ``GRIDMGMT_DATABASE_URL`` says.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from gridmgmt.demo.load import load_demo
from gridmgmt.demo.loaded import SUBDISTRICT_CODE
from gridmgmt.domain.org import Actor
from gridmgmt.errors import NotFound
from gridmgmt.storage import deputies, people, schema
from gridmgmt.storage.db import Db, act_as, make_engine, transaction
from gridmgmt.storage.embedded import Cluster, default_cluster
from gridmgmt.storage.rights.prepare import prepare
from gridmgmt.storage.rights.walls import Acting


class Sandbox:
    """The demo subdistrict in a database of its own.

    Parameters
    ----------
    data_dir : with ``demo`` and ``catalogue``.
    cluster : the embedded one when None.

    Raises
    ------
    Unavailable
        PostgreSQL or PostGIS is not installed.
    """

    def __init__(self, data_dir: Path, cluster: Cluster | None = None) -> None:
        self._cluster = cluster or default_cluster()
        self._cluster.up()
        self.name = f"sandbox_{uuid.uuid4().hex[:12]}"
        url = self._cluster.ensure_database(self.name)
        try:
            prepare(url)
            schema.migrate(url)
            self.engine: Engine = make_engine(url, pool_size=1, application="gridmgmt-sandbox")
            load_demo(self.engine, data_dir, datetime.now(UTC), lambda *_: None)
        except BaseException:
            self._cluster.drop(self.name)
            raise

    @contextmanager
    def as_person(self, login: str) -> Iterator[tuple[Db, Actor]]:
        """A transaction of one of the demo's people, such as ``demo-planner``, in the roles they have.

        Raises
        ------
        NotFound
            Nobody of that login has a role.
        """
        with transaction(self.engine, Acting.door()) as db:
            person_id = people.person_named(db, login)
            roles = deputies.roles_in(db, person_id, SUBDISTRICT_CODE) if person_id else frozenset()
            if person_id is None or not roles:
                raise NotFound("Nobody of that login has a role there.", kind="person", login=login)
            actor = Actor(person_id, login, frozenset(roles), frozenset({SUBDISTRICT_CODE}))
            act_as(db, Acting.of(actor))
            yield db, actor

    def close(self) -> None:
        """Throw the database away; doing it twice changes nothing."""
        self.engine.dispose()
        self._cluster.drop(self.name)
