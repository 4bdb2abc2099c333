"""What stands beside a case: rulings kept, people told, joint calls, supervision orders, deputies.

Records of what was said and done are added to and never rewritten; a joint call, its sub-tasks, an order and
a deputyship move on, and their histories are the rows beside them and the audit log.

Revision ID: 0011
Revises: 0010
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_APPEND_ONLY = (
    "feedbacks", "follow_ups", "joint_call_opinions", "joint_call_steps", "precedents", "refusal_packs",
)  # fmt: skip
_TABLES = (
    "precedents",
    "feedbacks",
    "follow_ups",
    "joint_calls",
    "joint_call_tasks",
    "joint_call_opinions",
    "joint_call_steps",
    "refusal_packs",
    "supervision_orders",
    "deputies",
)


def upgrade() -> None:
    op.add_column(
        "cases",
        sa.Column("extension_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="app",
    )
    op.add_column("case_steps", sa.Column("on_behalf_of", sa.Uuid(), nullable=True), schema="app")
    op.add_column("case_requests", sa.Column("asked_for", sa.Uuid(), nullable=True), schema="app")
    op.create_index(
        "ix_cases_merged_into",
        "cases",
        ["merged_into"],
        schema="app",
        postgresql_where=sa.text("merged_into is not null"),
    )
    # The platform, which is nobody of the table of people, answers what goes to the district by itself.
    op.drop_constraint("fk_case_requests_decided_by", "case_requests", schema="app", type_="foreignkey")
    _create_precedents()
    _create_feedbacks()
    _create_follow_ups()
    _create_joint_calls()
    _create_joint_call_tasks()
    _create_joint_call_opinions()
    _create_joint_call_steps()
    _create_refusal_packs()
    _create_supervision_orders()
    _create_deputies()
    for table in _APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on app.{table}"
            " for each statement execute function app.refuse_rewriting()"
        )
        op.execute(f"alter table app.{table} enable always trigger append_only")
    # Who stands in for whom is who may do what: each change leaves an image in the log (migration 0004).
    op.execute("select app.watch_rows('deputies', array[]::text[])")


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table, schema="app")
    op.create_foreign_key(
        "fk_case_requests_decided_by",
        "case_requests",
        "people",
        ["decided_by"],
        ["id"],
        source_schema="app",
        referent_schema="app",
    )
    op.drop_index("ix_cases_merged_into", table_name="cases", schema="app")
    op.drop_column("case_requests", "asked_for", schema="app")
    op.drop_column("case_steps", "on_behalf_of", schema="app")
    op.drop_column("cases", "extension_count", schema="app")


def _create_precedents() -> None:
    op.create_table('precedents',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('community_code', sa.Text(), nullable=False),
    sa.Column('cell_code', sa.Text(), nullable=False),
    sa.Column('category', sa.Text(), nullable=False),
    sa.Column('unit_code', sa.Text(), nullable=False),
    sa.Column('document_no', sa.Text(), nullable=False),
    sa.Column('ruled_by', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['app.cases.id'], name=op.f('fk_precedents_case_id')),
    sa.ForeignKeyConstraint(['ruled_by'], ['app.people.id'], name=op.f('fk_precedents_ruled_by')),
    sa.ForeignKeyConstraint(['subdistrict_code'], ['app.subdistricts.code'], name=op.f('fk_precedents_subdistrict_code')),
    sa.ForeignKeyConstraint(['unit_code'], ['app.units.code'], name=op.f('fk_precedents_unit_code')),
    sa.PrimaryKeyConstraint('case_id', 'seq', name=op.f('pk_precedents')),
    schema='app'
    )
    op.create_index('ix_precedents_place', 'precedents', ['subdistrict_code', 'category', sa.text("at desc")], unique=False, schema='app')


def _create_feedbacks() -> None:
    op.create_table('feedbacks',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('reached', sa.Boolean(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('satisfied', sa.Boolean(), nullable=True),
    sa.Column('told_by', sa.Uuid(), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind in ('outcome', 'revisit')", name=op.f('ck_feedbacks_kind')),
    sa.CheckConstraint('reached or satisfied is null', name=op.f('ck_feedbacks_answer')),
    sa.ForeignKeyConstraint(['case_id'], ['app.cases.id'], name=op.f('fk_feedbacks_case_id')),
    sa.ForeignKeyConstraint(['subdistrict_code'], ['app.subdistricts.code'], name=op.f('fk_feedbacks_subdistrict_code')),
    sa.ForeignKeyConstraint(['told_by'], ['app.people.id'], name=op.f('fk_feedbacks_told_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_feedbacks')),
    schema='app'
    )
    op.create_index('ix_feedbacks_case', 'feedbacks', ['case_id', 'kind'], unique=False, schema='app')


def _create_follow_ups() -> None:
    op.create_table('follow_ups',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('earlier_id', sa.Uuid(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('opened_by', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('case_id <> earlier_id', name=op.f('ck_follow_ups_another')),
    sa.ForeignKeyConstraint(['case_id'], ['app.cases.id'], name=op.f('fk_follow_ups_case_id')),
    sa.ForeignKeyConstraint(['earlier_id'], ['app.cases.id'], name=op.f('fk_follow_ups_earlier_id')),
    sa.ForeignKeyConstraint(['opened_by'], ['app.people.id'], name=op.f('fk_follow_ups_opened_by')),
    sa.ForeignKeyConstraint(['subdistrict_code'], ['app.subdistricts.code'], name=op.f('fk_follow_ups_subdistrict_code')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_follow_ups')),
    schema='app'
    )
    op.create_index('ix_follow_ups_earlier', 'follow_ups', ['earlier_id'], unique=False, schema='app')


def _create_joint_calls() -> None:
    op.create_table('joint_calls',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('document_no', sa.Text(), nullable=True),
    sa.Column('issued_by', sa.Uuid(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('hands', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("purpose in ('complaint', 'joint_enforcement', 'emergency')", name=op.f('ck_joint_calls_purpose')),
    sa.ForeignKeyConstraint(['case_id'], ['app.cases.id'], name=op.f('fk_joint_calls_case_id')),
    sa.ForeignKeyConstraint(['issued_by'], ['app.people.id'], name=op.f('fk_joint_calls_issued_by')),
    sa.ForeignKeyConstraint(['subdistrict_code'], ['app.subdistricts.code'], name=op.f('fk_joint_calls_subdistrict_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_joint_calls')),
    schema='app'
    )
    op.create_index('ix_joint_calls_case', 'joint_calls', ['case_id'], unique=False, schema='app')
    op.create_index('ix_joint_calls_open', 'joint_calls', ['subdistrict_code'], unique=False, schema='app', postgresql_where=sa.text('closed_at is null'))


def _create_joint_call_tasks() -> None:
    op.create_table('joint_call_tasks',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('call_id', sa.Uuid(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('position', sa.SmallInteger(), nullable=False),
    sa.Column('unit_code', sa.Text(), nullable=False),
    sa.Column('part', sa.Text(), nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('sign_in_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('arrive_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('signed_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('arrived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.Uuid(), nullable=True),
    sa.Column('words', sa.Text(), nullable=True),
    sa.Column('photos', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.CheckConstraint("(state in ('done', 'refused', 'withdrawn')) = (ended_at is not null) and (ended_at is null) = (ended_by is null) and (ended_at is null) = (coalesce(words, '') = '')", name=op.f('ck_joint_call_tasks_ended')),
    sa.CheckConstraint("part in ('lead', 'assistant')", name=op.f('ck_joint_call_tasks_part')),
    sa.CheckConstraint("state in ('called', 'signed_in', 'arrived', 'done', 'refused', 'withdrawn')", name=op.f('ck_joint_call_tasks_state')),
    sa.ForeignKeyConstraint(['call_id'], ['app.joint_calls.id'], name=op.f('fk_joint_call_tasks_call_id')),
    sa.ForeignKeyConstraint(['ended_by'], ['app.people.id'], name=op.f('fk_joint_call_tasks_ended_by')),
    sa.ForeignKeyConstraint(['subdistrict_code'], ['app.subdistricts.code'], name=op.f('fk_joint_call_tasks_subdistrict_code')),
    sa.ForeignKeyConstraint(['unit_code'], ['app.units.code'], name=op.f('fk_joint_call_tasks_unit_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_joint_call_tasks')),
    sa.UniqueConstraint('call_id', 'unit_code', name=op.f('uq_joint_call_tasks_call_id_unit_code')),
    schema='app'
    )
    op.create_index('ix_joint_call_tasks_unit', 'joint_call_tasks', ['unit_code', 'state'], unique=False, schema='app')
    op.create_index('uq_joint_call_tasks_one_lead', 'joint_call_tasks', ['call_id'], unique=True, schema='app', postgresql_where=sa.text("part = 'lead'"))


def _create_joint_call_opinions() -> None:
    op.create_table('joint_call_opinions',
    sa.Column('task_id', sa.Uuid(), nullable=False),
    sa.Column('basis', sa.Text(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('score', sa.SmallInteger(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('given_by', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("basis in ('overdue', 'closed')", name=op.f('ck_joint_call_opinions_basis')),
    sa.CheckConstraint('score between 1 and 5', name=op.f('ck_joint_call_opinions_score')),
    sa.ForeignKeyConstraint(['given_by'], ['app.people.id'], name=op.f('fk_joint_call_opinions_given_by')),
    sa.ForeignKeyConstraint(['subdistrict_code'], ['app.subdistricts.code'], name=op.f('fk_joint_call_opinions_subdistrict_code')),
    sa.ForeignKeyConstraint(['task_id'], ['app.joint_call_tasks.id'], name=op.f('fk_joint_call_opinions_task_id')),
    sa.PrimaryKeyConstraint('task_id', 'basis', name=op.f('pk_joint_call_opinions')),
    schema='app'
    )


def _create_joint_call_steps() -> None:
    op.create_table('joint_call_steps',
    sa.Column('call_id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('task_id', sa.Uuid(), nullable=True),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.Uuid(), nullable=False),
    sa.Column('on_behalf_of', sa.Uuid(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('command_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['call_id'], ['app.joint_calls.id'], name=op.f('fk_joint_call_steps_call_id')),
    sa.ForeignKeyConstraint(['subdistrict_code'], ['app.subdistricts.code'], name=op.f('fk_joint_call_steps_subdistrict_code')),
    sa.ForeignKeyConstraint(['task_id'], ['app.joint_call_tasks.id'], name=op.f('fk_joint_call_steps_task_id')),
    sa.PrimaryKeyConstraint('call_id', 'seq', name=op.f('pk_joint_call_steps')),
    sa.UniqueConstraint('command_id', name=op.f('uq_joint_call_steps_command_id')),
    schema='app'
    )


def _create_refusal_packs() -> None:
    op.create_table('refusal_packs',
    sa.Column('task_id', sa.Uuid(), nullable=False),
    sa.Column('call_id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('document', sa.LargeBinary(), nullable=False),
    sa.Column('sha256', sa.LargeBinary(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['app.joint_calls.id'], name=op.f('fk_refusal_packs_call_id')),
    sa.ForeignKeyConstraint(['case_id'], ['app.cases.id'], name=op.f('fk_refusal_packs_case_id')),
    sa.ForeignKeyConstraint(['subdistrict_code'], ['app.subdistricts.code'], name=op.f('fk_refusal_packs_subdistrict_code')),
    sa.ForeignKeyConstraint(['task_id'], ['app.joint_call_tasks.id'], name=op.f('fk_refusal_packs_task_id')),
    sa.PrimaryKeyConstraint('task_id', name=op.f('pk_refusal_packs')),
    schema='app'
    )


def _create_supervision_orders() -> None:
    op.create_table('supervision_orders',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('unit_code', sa.Text(), nullable=True),
    sa.Column('opinion', sa.Text(), nullable=False),
    sa.Column('ordered_by', sa.Uuid(), nullable=False),
    sa.Column('ordered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reply_due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reply', sa.Text(), nullable=True),
    sa.Column('replied_by', sa.Uuid(), nullable=True),
    sa.Column('replied_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(replied_at is null) = (reply is null) and (replied_at is null) = (replied_by is null)', name=op.f('ck_supervision_orders_reply')),
    sa.ForeignKeyConstraint(['case_id'], ['app.cases.id'], name=op.f('fk_supervision_orders_case_id')),
    sa.ForeignKeyConstraint(['ordered_by'], ['app.people.id'], name=op.f('fk_supervision_orders_ordered_by')),
    sa.ForeignKeyConstraint(['replied_by'], ['app.people.id'], name=op.f('fk_supervision_orders_replied_by')),
    sa.ForeignKeyConstraint(['subdistrict_code'], ['app.subdistricts.code'], name=op.f('fk_supervision_orders_subdistrict_code')),
    sa.ForeignKeyConstraint(['unit_code'], ['app.units.code'], name=op.f('fk_supervision_orders_unit_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_supervision_orders')),
    schema='app'
    )
    op.create_index('ix_supervision_orders_case', 'supervision_orders', ['case_id'], unique=False, schema='app')
    op.create_index('ix_supervision_orders_owed', 'supervision_orders', ['subdistrict_code', 'reply_due_at'], unique=False, schema='app', postgresql_where=sa.text('replied_at is null'))


def _create_deputies() -> None:
    op.create_table('deputies',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('deputy_id', sa.Uuid(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('granted_by', sa.Uuid(), nullable=False),
    sa.Column('granted_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("role in ('grid_worker', 'acceptor', 'shift_leader', 'dispatcher', 'handler', 'supervisor', 'director', 'district_officer', 'planner', 'administrator', 'security_administrator', 'auditor', 'peer', 'system')", name=op.f('ck_deputies_role')),
    sa.CheckConstraint('person_id <> deputy_id', name=op.f('ck_deputies_another')),
    sa.CheckConstraint('starts_at <= ends_at', name=op.f('ck_deputies_period')),
    sa.ForeignKeyConstraint(['deputy_id'], ['app.people.id'], name=op.f('fk_deputies_deputy_id')),
    sa.ForeignKeyConstraint(['granted_by'], ['app.people.id'], name=op.f('fk_deputies_granted_by')),
    sa.ForeignKeyConstraint(['person_id'], ['app.people.id'], name=op.f('fk_deputies_person_id')),
    sa.ForeignKeyConstraint(['subdistrict_code'], ['app.subdistricts.code'], name=op.f('fk_deputies_subdistrict_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deputies')),
    schema='app'
    )
    op.create_index('ix_deputies_deputy', 'deputies', ['deputy_id', 'ends_at'], unique=False, schema='app')
    op.create_index('ix_deputies_person', 'deputies', ['person_id', 'ends_at'], unique=False, schema='app')
