"""Evidence: originals, metadata, derivatives, resumable uploads.

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_APPEND_ONLY = (
    "photo_meta", "photo_derivatives", "photo_announcements", "case_photos", "original_links", "original_link_uses",
)


def upgrade() -> None:
    _create_tables()
    for table in _APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on app.{table}"
            " for each statement execute function app.refuse_rewriting()"
        )
    # What is stored already has its line in the ledger too.
    op.execute("""
        insert into app.photo_ledger
        select subdistrict_code, sha256, received_by, 'stored', media_type, bytes, bytes, null, null,
               received_at, received_at
          from app.photos
    """)


def _create_tables() -> None:
    op.create_table('photo_ledger',
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('sent_by', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('media_type', sa.Text(), nullable=True),
    sa.Column('expected_bytes', sa.Integer(), nullable=True),
    sa.Column('received_bytes', sa.Integer(), nullable=False),
    sa.Column('refused_code', sa.Text(), nullable=True),
    sa.Column('refused_reason', sa.Text(), nullable=True),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state in ('announced', 'receiving', 'received', 'checked', 'stored', 'refused', 'missing')", name=op.f('ck_photo_ledger_state')),
    sa.ForeignKeyConstraint(['sent_by'], ['app.people.id'], name=op.f('fk_photo_ledger_sent_by')),
    sa.ForeignKeyConstraint(['subdistrict_code'], ['app.subdistricts.code'], name=op.f('fk_photo_ledger_subdistrict_code')),
    sa.PrimaryKeyConstraint('subdistrict_code', 'sha256', name=op.f('pk_photo_ledger')),
    schema='app'
    )
    op.create_index('ix_photo_ledger_state', 'photo_ledger', ['subdistrict_code', 'state', 'changed_at'], unique=False, schema='app')
    op.create_table('original_links',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('token_sha256', sa.LargeBinary(), nullable=False),
    sa.Column('asked_by', sa.Uuid(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['asked_by'], ['app.people.id'], name=op.f('fk_original_links_asked_by')),
    sa.ForeignKeyConstraint(['subdistrict_code', 'sha256'], ['app.photos.subdistrict_code', 'app.photos.sha256'], name='fk_original_links_photo'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_original_links')),
    sa.UniqueConstraint('token_sha256', name=op.f('uq_original_links_token_sha256')),
    schema='app'
    )
    op.create_table('photo_announcements',
    sa.Column('report_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.SmallInteger(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('announced_by', sa.Uuid(), nullable=False),
    sa.Column('announced_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['announced_by'], ['app.people.id'], name=op.f('fk_photo_announcements_announced_by')),
    sa.ForeignKeyConstraint(['subdistrict_code', 'sha256'], ['app.photo_ledger.subdistrict_code', 'app.photo_ledger.sha256'], name='fk_photo_announcements_ledger'),
    sa.PrimaryKeyConstraint('report_id', 'sha256', name=op.f('pk_photo_announcements')),
    schema='app'
    )
    op.create_index('ix_photo_announcements_photo', 'photo_announcements', ['subdistrict_code', 'sha256'], unique=False, schema='app')
    op.create_table('photo_derivatives',
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('caption_sha256', sa.Text(), nullable=False),
    sa.Column('derived_sha256', sa.Text(), nullable=False),
    sa.Column('bytes', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['subdistrict_code', 'sha256'], ['app.photos.subdistrict_code', 'app.photos.sha256'], name='fk_photo_derivatives_photo'),
    sa.PrimaryKeyConstraint('subdistrict_code', 'sha256', 'kind', 'caption_sha256', name=op.f('pk_photo_derivatives')),
    schema='app'
    )
    op.create_index('ix_photo_derivatives_derived', 'photo_derivatives', ['derived_sha256'], unique=False, schema='app')
    op.create_table('photo_meta',
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('exif', sa.Text(), nullable=False),
    sa.Column('taken_local', sa.Text(), nullable=True),
    sa.Column('taken_offset', sa.Text(), nullable=True),
    sa.Column('make', sa.Text(), nullable=True),
    sa.Column('model', sa.Text(), nullable=True),
    sa.Column('software', sa.Text(), nullable=True),
    sa.Column('serial', sa.Text(), nullable=True),
    sa.Column('orientation', sa.SmallInteger(), nullable=True),
    sa.Column('gps_lon', sa.Double(), nullable=True),
    sa.Column('gps_lat', sa.Double(), nullable=True),
    sa.Column('gps_datum', sa.Text(), nullable=True),
    sa.Column('gps_altitude_m', sa.Double(), nullable=True),
    sa.Column('gps_error_m', sa.Double(), nullable=True),
    sa.Column('gps_at', sa.Text(), nullable=True),
    sa.Column('examined_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['subdistrict_code', 'sha256'], ['app.photos.subdistrict_code', 'app.photos.sha256'], name='fk_photo_meta_photo'),
    sa.PrimaryKeyConstraint('subdistrict_code', 'sha256', name=op.f('pk_photo_meta')),
    schema='app'
    )
    op.create_table('original_link_uses',
    sa.Column('link_id', sa.Uuid(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['link_id'], ['app.original_links.id'], name=op.f('fk_original_link_uses_link_id')),
    sa.PrimaryKeyConstraint('link_id', name=op.f('pk_original_link_uses')),
    schema='app'
    )
    op.create_table('case_photos',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('subdistrict_code', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['app.cases.id'], name=op.f('fk_case_photos_case_id')),
    sa.ForeignKeyConstraint(['subdistrict_code', 'sha256'], ['app.photos.subdistrict_code', 'app.photos.sha256'], name='fk_case_photos_photo'),
    sa.PrimaryKeyConstraint('case_id', 'sha256', name=op.f('pk_case_photos')),
    schema='app'
    )
    op.create_index('ix_case_photos_photo', 'case_photos', ['subdistrict_code', 'sha256'], unique=False, schema='app')
    op.create_index('ix_report_photos_photo', 'report_photos', ['subdistrict_code', 'sha256'], unique=False, schema='app')


def downgrade() -> None:
    op.drop_index('ix_report_photos_photo', table_name='report_photos', schema='app')
    op.drop_index('ix_case_photos_photo', table_name='case_photos', schema='app')
    op.drop_table('case_photos', schema='app')
    op.drop_table('original_link_uses', schema='app')
    op.drop_table('photo_meta', schema='app')
    op.drop_index('ix_photo_derivatives_derived', table_name='photo_derivatives', schema='app')
    op.drop_table('photo_derivatives', schema='app')
    op.drop_index('ix_photo_announcements_photo', table_name='photo_announcements', schema='app')
    op.drop_table('photo_announcements', schema='app')
    op.drop_table('original_links', schema='app')
    op.drop_index('ix_photo_ledger_state', table_name='photo_ledger', schema='app')
    op.drop_table('photo_ledger', schema='app')
