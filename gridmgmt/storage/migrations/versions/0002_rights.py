"""Rights: every row of a subdistrict says which one, so that row-level security can ask.

Also spatial indexes that begin with the subdistrict: under row-level security a map asks for both.
Grants and policies themselves are no migration (gridmgmt/storage/rights/policies.py).

Revision ID: 0002
Revises: 0001
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_SPATIAL = (("cases", "place"), ("grid_cells", "geom"), ("base_features", "geom"), ("communities", "outline"))


def upgrade() -> None:
    # The first nine digits of a cell's code are its subdistrict's.
    op.execute(
        "alter table app.grid_cells add column subdistrict_code text"
        " not null generated always as (substr(code, 1, 9)) stored"
    )
    op.execute(
        "alter table app.cell_hexes add column subdistrict_code text"
        " not null generated always as (substr(cell_code, 1, 9)) stored"
    )
    op.execute("alter table app.case_steps add column subdistrict_code text")
    op.execute("alter table app.case_steps disable trigger append_only")
    op.execute(
        "update app.case_steps s set subdistrict_code = c.subdistrict_code from app.cases c where c.id = s.case_id"
    )
    op.execute("alter table app.case_steps enable trigger append_only")
    op.execute("alter table app.case_steps alter column subdistrict_code set not null")
    for table, column in _SPATIAL:
        op.execute(f"drop index app.ix_{table}_{column}")
        op.execute(f"create index ix_{table}_{column} on app.{table} using gist (subdistrict_code, {column})")


def downgrade() -> None:
    for table, column in _SPATIAL:
        op.execute(f"drop index app.ix_{table}_{column}")
        op.execute(f"create index ix_{table}_{column} on app.{table} using gist ({column})")
    op.execute("alter table app.case_steps drop column subdistrict_code")
    op.execute("alter table app.cell_hexes drop column subdistrict_code")
    op.execute("alter table app.grid_cells drop column subdistrict_code")
