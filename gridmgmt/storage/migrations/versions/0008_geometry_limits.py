"""Geometry limits at rest: what no way in let through is also refused by the table.

Each geometry is valid, has no more vertices than its kind may have and lies in China's box; the reference
system is the column's own. Checked row by row, so each kind of write pays for its own rows only.

Revision ID: 0008
Revises: 0007
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_COLUMNS = (
    ("subdistricts", "outline", 20000),
    ("communities", "outline", 20000),
    ("grid_cells", "geom", 20000),
    ("base_features", "geom", 20000),
    ("cases", "place", 1),
)


def upgrade() -> None:
    for table, column, most in _COLUMNS:
        # "case" and not "and": the order matters, a geometry that is too large is not even looked at.
        op.execute(f"""
            alter table app.{table} add constraint ck_{table}_{column}_limits check (
                case when st_npoints({column}) between 1 and {most}
                     then st_isvalid({column}) and {column} @ st_makeenvelope(73, 3, 136, 54, 4490)
                     else {column} is null end)
        """)
    op.execute("""
        alter table app.reports add constraint ck_reports_position check (
            lon between -180 and 180 and lat between -90 and 90 and coalesce(accuracy_m, 0) between 0 and 1e6)
    """)


def downgrade() -> None:
    for table, column, _ in _COLUMNS:
        op.execute(f"alter table app.{table} drop constraint ck_{table}_{column}_limits")
    op.execute("alter table app.reports drop constraint ck_reports_position")
