"""The life of grid plans: history, codes ever issued, handovers, boundary changes; seams refused by the database.

A set of cells with gaps or overlaps cannot leave the draft, whoever writes; the cells of a plan that has left it
are fixed; a code means one piece of ground for ever; a boundary moves only by an approved change.

Revision ID: 0016
Revises: 0014
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_APPEND_ONLY = ("plan_steps", "cell_codes", "plan_handovers", "boundary_changes", "boundary_outlines")
_STATUSES = "'draft', 'checked', 'reviewed', 'published', 'rejected', 'withdrawn'"
_OLD_STATUSES = "'draft', 'checked', 'reviewed', 'published', 'withdrawn'"
_ACTIONS = "'draw', 'check', 'review', 'reject', 'publish', 'undo', 'withdraw'"
_APPROVAL = r"^[^〔〕\s]{1,30}〔[12][0-9]{3}〕[1-9][0-9]{0,4}号$"
_CHINA = "st_makeenvelope(73, 3, 136, 54, 4490)"
_OPEN = "state not in ('closed', 'rejected', 'merged', 'voided')"


def upgrade() -> None:
    op.drop_constraint("ck_grid_plans_status", "grid_plans", schema="app")
    op.create_check_constraint(
        op.f("ck_grid_plans_status"), "grid_plans", f"status in ({_STATUSES})", schema="app"
    )
    _create_history()
    _create_boundaries()
    op.create_index(
        "ix_cases_open_plan",
        "cases",
        ["subdistrict_code", "plan_id"],
        schema="app",
        postgresql_where=sa.text(_OPEN),
    )
    # What was published before a plan had a history.
    op.execute(
        "insert into app.plan_steps (plan_id, seq, subdistrict_code, action, to_status, actor_id, at, facts)"
        " select id, 1, subdistrict_code, 'draw', status, published_by, published_at,"
        " '{\"found\": true}'::jsonb from app.grid_plans"
        " where published_by is not null and published_at is not null"
    )
    op.execute(
        "insert into app.cell_codes (code, subdistrict_code, plan_id)"
        " select distinct on (c.code) c.code, p.subdistrict_code, p.id"
        "   from app.grid_cells c join app.grid_plans p on p.id = c.plan_id order by c.code, p.version"
    )
    for table in _APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on app.{table}"
            " for each statement execute function app.refuse_rewriting()"
        )
    for table in ("boundary_changes", "boundary_outlines"):
        op.execute(
            f"create trigger raise_revision after insert or update or delete or truncate on app.{table}"
            " for each statement execute function app.raise_rulebook_revision()"
        )
        op.execute(f"select app.watch_rows('{table}', array[]::text[])")
    _guard_plans()
    _guard_the_rest()



def _create_history() -> None:
    op.create_table(
        "plan_steps",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("on_behalf_of", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("command_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(f"action in ({_ACTIONS})", name=op.f("ck_plan_steps_action")),
        sa.ForeignKeyConstraint(["plan_id"], ["app.grid_plans.id"], name=op.f("fk_plan_steps_plan_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_plan_steps_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("plan_id", "seq", name=op.f("pk_plan_steps")),
        sa.UniqueConstraint("command_id", name=op.f("uq_plan_steps_command_id")),
        schema="app",
    )
    op.create_table(
        "cell_codes",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "code ~ '^[0-9]{15}$' and substr(code, 1, 9) = subdistrict_code", name=op.f("ck_cell_codes_code")
        ),
        sa.CheckConstraint("plan_id is not null or note <> ''", name=op.f("ck_cell_codes_origin")),
        sa.ForeignKeyConstraint(["plan_id"], ["app.grid_plans.id"], name=op.f("fk_cell_codes_plan_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_cell_codes_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_cell_codes")),
        schema="app",
    )
    op.create_index("ix_cell_codes_subdistrict_code", "cell_codes", ["subdistrict_code"], schema="app")
    op.create_table(
        "plan_handovers",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("from_plan_id", sa.Uuid(), nullable=False),
        sa.Column("from_cell", sa.Text(), nullable=False),
        sa.Column("to_cell", sa.Text(), nullable=True),
        sa.Column("from_worker_id", sa.Uuid(), nullable=True),
        sa.Column("to_worker_id", sa.Uuid(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["app.cases.id"], name=op.f("fk_plan_handovers_case_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["app.grid_plans.id"], name=op.f("fk_plan_handovers_plan_id")),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_plan_handovers_subdistrict_code")
        ),
        sa.ForeignKeyConstraint(
            ["from_worker_id"], ["app.people.id"], name=op.f("fk_plan_handovers_from_worker_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_worker_id"], ["app.people.id"], name=op.f("fk_plan_handovers_to_worker_id")
        ),
        sa.PrimaryKeyConstraint("case_id", "plan_id", name=op.f("pk_plan_handovers")),
        schema="app",
    )
    op.create_index("ix_plan_handovers_plan_id", "plan_handovers", ["plan_id"], schema="app")


def _create_boundaries() -> None:
    op.create_table(
        "boundary_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column("approval_no", sa.Text(), nullable=False),
        sa.Column("proposal_no", sa.Text(), nullable=False),
        sa.Column("approved_on", sa.Date(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            f"approval_no ~ '{_APPROVAL}' and proposal_no <> ''", name=op.f("ck_boundary_changes_approved")
        ),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_boundary_changes_subdistrict_code")
        ),
        sa.ForeignKeyConstraint(["entered_by"], ["app.people.id"], name=op.f("fk_boundary_changes_entered_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boundary_changes")),
        sa.UniqueConstraint(
            "subdistrict_code", "valid_from", name=op.f("uq_boundary_changes_subdistrict_code_valid_from")
        ),
        schema="app",
    )
    op.create_table(
        "boundary_outlines",
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=False),
        sa.Column(
            "outline", Geometry(geometry_type="MULTIPOLYGON", srid=4490, spatial_index=False), nullable=False
        ),
        sa.CheckConstraint(
            "substr(code, 1, 9) = subdistrict_code and length(code) in (9, 12)",
            name=op.f("ck_boundary_outlines_code"),
        ),
        sa.CheckConstraint(
            "case when st_npoints(outline) between 1 and 20000"
            f" then st_isvalid(outline) and outline @ {_CHINA} else outline is null end",
            name=op.f("ck_boundary_outlines_outline_limits"),
        ),
        sa.ForeignKeyConstraint(
            ["change_id"], ["app.boundary_changes.id"], name=op.f("fk_boundary_outlines_change_id")
        ),
        sa.ForeignKeyConstraint(
            ["subdistrict_code"], ["app.subdistricts.code"], name=op.f("fk_boundary_outlines_subdistrict_code")
        ),
        sa.PrimaryKeyConstraint("change_id", "code", name=op.f("pk_boundary_outlines")),
        schema="app",
    )


# Triggers run as the owner of the schema (matrix.toml names what it may), so that they see every row whoever writes.
_AS_OWNER = "language plpgsql security definer set search_path = pg_catalog, app, public as"

_OUTLINE_AT = """
    create function app.outline_at(street text, at timestamptz) returns geometry
    language plpgsql stable security definer set search_path = pg_catalog, app, public as $$
    begin
        return coalesce(
            (select o.outline from app.boundary_changes c join app.boundary_outlines o on o.change_id = c.id
              where c.subdistrict_code = street and o.code = street and c.valid_from <= at
              order by c.valid_from desc limit 1),
            (select s.outline from app.subdistricts s where s.code = street));
    end $$
"""

# Overlays in degrees, where neighbours that share a straight edge share it to the last bit, whichever vertices
# either has; areas in the plan's metric zone. 0.05 m² is a seam of 1 cm by 5 m, as domain/adoption.py forgives.
# The gap follows from the area identity: Σ cells − ground = overlap + overhang − gap.
_REFUSE_SEAMS = f"""
    create function app.refuse_seams() returns trigger {_AS_OWNER} $$
    declare
        plan record;
        ground geometry;
        m2_per_deg2 float8;
        cells_deg2 float8;
        overlap_m2 float8;
        overhang_m2 float8;
        gap_m2 float8;
        pair text;
        forgiven constant float8 := 0.05;
    begin
        select p.id, p.status, p.subdistrict_code, p.valid_from, p.metric_srid into plan
          from app.grid_plans p where p.id = new.id;
        if not found or plan.status not in ('checked', 'reviewed', 'published') then
            return null;
        end if;
        ground := app.outline_at(plan.subdistrict_code, plan.valid_from);
        m2_per_deg2 := st_area(st_transform(ground, plan.metric_srid)) / st_area(ground);
        select coalesce(sum(st_area(c.geom)), 0), coalesce(sum(st_area(st_difference(c.geom, ground))), 0)
          into cells_deg2, overhang_m2 from app.grid_cells c where c.plan_id = plan.id;
        select coalesce(sum(x.deg2), 0), (array_agg(x.pair order by x.deg2 desc))[1] into overlap_m2, pair
          from (select a.code || ' ' || b.code as pair, st_area(st_intersection(a.geom, b.geom)) as deg2
                  from app.grid_cells a
                  join app.grid_cells b on b.plan_id = a.plan_id and b.code > a.code and b.geom && a.geom
                 where a.plan_id = plan.id) x where x.deg2 > 0;
        gap_m2 := (st_area(ground) - cells_deg2 + overlap_m2 + overhang_m2) * m2_per_deg2;
        overlap_m2 := overlap_m2 * m2_per_deg2;
        overhang_m2 := overhang_m2 * m2_per_deg2;
        if overlap_m2 > forgiven or overhang_m2 > forgiven or gap_m2 > forgiven
           or overlap_m2 + overhang_m2 + greatest(gap_m2, 0) is null then
            raise exception 'the cells of plan % do not fill their ground: overlap % m2 (%), overhang % m2, gap % m2',
                plan.id, round(overlap_m2::numeric, 2), coalesce(pair, '-'), round(overhang_m2::numeric, 2),
                round(gap_m2::numeric, 2)
                using errcode = 'check_violation', schema = 'app', table = 'grid_plans', constraint = 'seamless';
        end if;
        return null;
    end $$
"""

# The share lock makes a change of cells and a change of status wait for each other: neither misses the other.
_HOLD_CELLS = f"""
    create function app.hold_cells() returns trigger {_AS_OWNER} $$
    declare
        found_status text;
        which uuid := case when tg_op = 'DELETE' then old.plan_id else new.plan_id end;
    begin
        select status into found_status from app.grid_plans where id = which for share;
        if tg_op = 'UPDATE' and old.plan_id <> new.plan_id then
            found_status := 'other';
        end if;
        if found_status <> 'draft' then
            raise exception 'the cells of plan % are fixed: it is no draft any more', which
                using errcode = 'check_violation', schema = 'app', table = 'grid_cells', constraint = 'fixed_cells';
        end if;
        return case when tg_op = 'DELETE' then old else new end;
    end $$
"""

_ISSUE_CODE = f"""
    create function app.issue_code() returns trigger {_AS_OWNER} $$
    declare
        issued record;
        before geometry;
        off_m2 float8;
    begin
        insert into app.cell_codes (code, subdistrict_code, plan_id)
        values (new.code, left(new.code, 9), new.plan_id) on conflict (code) do nothing;
        select c.plan_id, c.note into issued from app.cell_codes c where c.code = new.code;
        if issued.plan_id = new.plan_id then
            return null;
        end if;
        select c.geom into before from app.grid_cells c where c.plan_id = issued.plan_id and c.code = new.code;
        if before is not null then
            select st_area(st_transform(st_symdifference(before, new.geom), p.metric_srid)) into off_m2
              from app.grid_plans p where p.id = new.plan_id;
        end if;
        if off_m2 is null or off_m2 > 0.05 then
            raise exception 'the code % was issued before and means other ground', new.code
                using errcode = 'check_violation', schema = 'app', table = 'grid_cells',
                      constraint = 'code_never_reused';
        end if;
        return null;
    end $$
"""

_HOLD_STATUS = """
    create function app.hold_status() returns trigger
    language plpgsql set search_path = pg_catalog as $$
    begin
        if (old.status, new.status) not in (
            ('draft', 'checked'), ('draft', 'withdrawn'), ('checked', 'reviewed'), ('checked', 'rejected'),
            ('checked', 'withdrawn'), ('reviewed', 'published'), ('reviewed', 'withdrawn'),
            ('published', 'reviewed')) then
            raise exception 'a plan does not go from % to %', old.status, new.status
                using errcode = 'check_violation', schema = 'app', table = 'grid_plans', constraint = 'life';
        end if;
        return new;
    end $$
"""

_HOLD_OUTLINE = """
    create function app.hold_outline() returns trigger
    language plpgsql set search_path = pg_catalog, public as $$
    begin
        raise exception 'the boundary of % changes by an approved change alone (boundary_changes)', old.code
            using errcode = 'check_violation', schema = 'app', table = 'subdistricts',
                  constraint = 'approved_boundary';
    end $$
"""

_REQUIRE_PUBLISHED = f"""
    create function app.require_published() returns trigger {_AS_OWNER} $$
    declare
        found_status text;
    begin
        select status into found_status from app.grid_plans where id = new.plan_id for share;
        if found_status <> 'published' then
            raise exception 'nothing is handed over to plan %, which is not published', new.plan_id
                using errcode = 'check_violation', schema = 'app', table = 'plan_handovers',
                      constraint = 'published';
        end if;
        return new;
    end $$
"""


def _guard_plans() -> None:
    for function in (_OUTLINE_AT, _REFUSE_SEAMS, _HOLD_CELLS, _ISSUE_CODE, _HOLD_STATUS):
        op.execute(function)
    op.execute(
        "create constraint trigger seamless"
        " after insert or update of status, valid_from, metric_srid, subdistrict_code on app.grid_plans"
        " deferrable initially deferred for each row"
        " when (new.status in ('checked', 'reviewed', 'published')) execute function app.refuse_seams()"
    )
    op.execute(
        "create trigger hold_status before update of status on app.grid_plans for each row"
        " when (old.status is distinct from new.status) execute function app.hold_status()"
    )
    op.execute(
        "create trigger hold_cells before insert or delete or update of plan_id, code, geom on app.grid_cells"
        " for each row execute function app.hold_cells()"
    )
    op.execute(
        "create trigger hold_all_cells before truncate on app.grid_cells"
        " for each statement execute function app.refuse_rewriting()"
    )
    op.execute(
        "create trigger issue_code after insert or update of code, geom on app.grid_cells"
        " for each row execute function app.issue_code()"
    )


def _guard_the_rest() -> None:
    for function in (_HOLD_OUTLINE, _REQUIRE_PUBLISHED):
        op.execute(function)
    op.execute(
        "create trigger hold_outline before update of outline on app.subdistricts for each row"
        " when (not st_orderingequals(old.outline, new.outline)) execute function app.hold_outline()"
    )
    op.execute(
        "create trigger require_published before insert on app.plan_handovers for each row"
        " execute function app.require_published()"
    )


def downgrade() -> None:
    for trigger, table in (
        ("seamless", "grid_plans"), ("hold_status", "grid_plans"), ("hold_cells", "grid_cells"),
        ("hold_all_cells", "grid_cells"), ("issue_code", "grid_cells"), ("hold_outline", "subdistricts"),
    ):  # fmt: skip
        op.execute(f"drop trigger {trigger} on app.{table}")
    op.drop_index("ix_cases_open_plan", table_name="cases", schema="app")
    for table in ("boundary_outlines", "boundary_changes", "plan_handovers", "cell_codes", "plan_steps"):
        op.drop_table(table, schema="app")
    for function in (
        "require_published", "hold_outline", "hold_status", "issue_code", "hold_cells", "refuse_seams",
        "outline_at(text, timestamptz)",
    ):  # fmt: skip
        op.execute(f"drop function app.{function}")
    op.drop_constraint("ck_grid_plans_status", "grid_plans", schema="app")
    op.create_check_constraint(
        op.f("ck_grid_plans_status"), "grid_plans", f"status in ({_OLD_STATUSES})", schema="app"
    )
