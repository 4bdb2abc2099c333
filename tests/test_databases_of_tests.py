"""What the fixtures promise: no database is a failure where it counts, and tests do not see each other."""

import _pytest.outcomes
import pytest
from sqlalchemy import text

from gridmgmt.storage.db import Db
from tests.conftest import without_database


def test_without_postgis_continuous_integration_fails() -> None:
    with pytest.raises(_pytest.outcomes.Failed, match="no PostGIS: nothing installed"):
        without_database("nothing installed", in_ci=True)


def test_without_postgis_a_test_is_skipped_elsewhere_with_the_reason() -> None:
    with pytest.raises(_pytest.outcomes.Skipped, match="no PostGIS: nothing installed"):
        without_database("nothing installed", in_ci=False)


@pytest.mark.parametrize("number", [1, 2])
def test_what_one_test_writes_the_next_one_does_not_see(db: Db, number: int) -> None:
    assert db.execute(text("select count(*) from app.people where login = 'left behind'")).scalar() == 0
    db.execute(text("update app.people set login = 'left behind' where login = 'demo-shift'"))


def test_clones_of_a_template_do_not_share_rows(own_demo_url: str, demo_url: str) -> None:
    assert own_demo_url != demo_url
