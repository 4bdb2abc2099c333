"""Identity: accounts, second factors, devices, sessions, throttling, machine peers.

Beside the tables: the two roles that came with identity, and the exclusion constraint that keeps the three
administrators apart.

Revision ID: 0003
Revises: 0002
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ROLES_BEFORE = (
    "grid_worker", "acceptor", "shift_leader", "dispatcher", "handler", "supervisor", "director",
    "district_officer", "planner", "administrator", "auditor", "system",
)  # fmt: skip
_ROLES = (*_ROLES_BEFORE, "security_administrator", "peer")
_NEW_TABLES = (
    "peer_assertions", "peers", "throttle", "sign_ins", "one_time_links", "recovery_codes", "accounts", "devices",
)  # fmt: skip


def upgrade() -> None:
    _allow_roles(_ROLES)
    op.execute("""
        alter table app.person_roles add constraint ex_person_roles_administrators_apart exclude using gist (
            person_id with =,
            (case when role in ('administrator', 'auditor', 'security_administrator')
                  then role else 'business' end) with <>)
    """)
    # Where somebody belongs who has no role yet; the administrators of that street look after him.
    op.execute("""
        alter table app.people add column subdistrict_code text
            constraint fk_people_subdistrict_code references app.subdistricts (code)
    """)
    op.execute("""
        update app.people p set subdistrict_code =
            (select min(r.subdistrict_code) from app.person_roles r where r.person_id = p.id)
    """)
    _create_accounts()
    _widen_sessions()
    _create_ways_in()


def _allow_roles(roles: Sequence[str]) -> None:
    listed = ", ".join(f"'{role}'" for role in roles)
    op.execute("alter table app.person_roles drop constraint ck_person_roles_role")
    op.execute(f"alter table app.person_roles add constraint ck_person_roles_role check (role in ({listed}))")


def _create_accounts() -> None:
    op.execute("""
        create table app.accounts (
            person_id uuid not null constraint pk_accounts primary key
                constraint fk_accounts_person_id references app.people (id),
            password_hash text not null,
            password_changed_at timestamptz not null,
            must_change boolean not null default false,
            totp_sealed bytea not null,
            totp_last_step bigint not null,
            created_at timestamptz not null)
    """)
    op.execute("""
        create table app.recovery_codes (
            person_id uuid not null
                constraint fk_recovery_codes_person_id references app.accounts (person_id),
            code_sha256 bytea not null,
            used_at timestamptz,
            constraint pk_recovery_codes primary key (person_id, code_sha256))
    """)
    op.execute("""
        create table app.devices (
            id uuid not null default gen_random_uuid() constraint pk_devices primary key,
            person_id uuid not null constraint fk_devices_person_id references app.people (id),
            secret_sha256 bytea not null,
            label text not null,
            first_seen_at timestamptz not null,
            last_seen_at timestamptz not null,
            revoked_at timestamptz,
            constraint uq_devices_person_id_secret_sha256 unique (person_id, secret_sha256))
    """)


def _widen_sessions() -> None:
    # Sessions that were open before keep their end; they live as those of a desk.
    op.execute("""
        alter table app.sessions
            add column id uuid not null default gen_random_uuid(),
            add column device_id uuid constraint fk_sessions_device_id references app.devices (id),
            add column kind text not null default 'centre'
                constraint ck_sessions_kind check (kind in ('centre', 'field', 'peer')),
            add column idle_s integer not null default 1800,
            add column seen_at timestamptz not null default now(),
            add column idle_at timestamptz not null default now() + interval '30 minutes',
            add column step_up_at timestamptz
    """)
    for name in ("kind", "idle_s", "seen_at", "idle_at"):
        op.execute(f"alter table app.sessions alter column {name} drop default")
    op.execute("create index ix_sessions_id on app.sessions (id)")
    op.execute("create index ix_sessions_device_id on app.sessions (device_id)")


def _create_ways_in() -> None:
    op.execute("""
        create table app.one_time_links (
            token_sha256 bytea not null constraint pk_one_time_links primary key,
            person_id uuid not null constraint fk_one_time_links_person_id references app.people (id),
            made_by uuid,
            created_at timestamptz not null,
            expires_at timestamptz not null,
            used_at timestamptz)
    """)
    op.execute("create index ix_one_time_links_person_id on app.one_time_links (person_id)")
    op.execute("""
        create table app.sign_ins (
            ticket_sha256 bytea not null constraint pk_sign_ins primary key,
            person_id uuid not null constraint fk_sign_ins_person_id references app.people (id),
            step text not null
                constraint ck_sign_ins_step check (step in ('code', 'change_password', 'enrol')),
            device_id uuid constraint fk_sign_ins_device_id references app.devices (id),
            link_sha256 bytea
                constraint fk_sign_ins_link_sha256 references app.one_time_links (token_sha256),
            password_hash text,
            totp_sealed bytea,
            created_at timestamptz not null,
            expires_at timestamptz not null,
            used_at timestamptz)
    """)
    # Unlogged: what it holds is worth nothing after a crash, and no failed guess costs a WAL record.
    op.execute("""
        create unlogged table app.throttle (
            key bytea not null constraint pk_throttle primary key,
            account bytea not null,
            failures integer not null,
            level double precision not null,
            at timestamptz not null,
            until_at timestamptz not null)
    """)
    op.execute("create index ix_throttle_at on app.throttle (at)")
    op.execute("create index ix_throttle_account on app.throttle (account)")
    op.execute("""
        create table app.peers (
            person_id uuid not null constraint pk_peers primary key
                constraint fk_peers_person_id references app.people (id),
            subdistrict_code text not null
                constraint fk_peers_subdistrict_code references app.subdistricts (code),
            client_id text not null constraint uq_peers_client_id unique,
            algorithm text not null
                constraint ck_peers_algorithm check (algorithm in ('ES256', 'Ed25519')),
            public_key_pem text not null,
            sources text[] not null,
            created_at timestamptz not null,
            revoked_at timestamptz)
    """)
    op.execute("""
        create table app.peer_assertions (
            person_id uuid not null
                constraint fk_peer_assertions_person_id references app.peers (person_id),
            jti_sha256 bytea not null,
            expires_at timestamptz not null,
            constraint pk_peer_assertions primary key (person_id, jti_sha256))
    """)
    op.execute("create index ix_peer_assertions_expires_at on app.peer_assertions (expires_at)")


def downgrade() -> None:
    op.execute("drop index app.ix_sessions_id, app.ix_sessions_device_id")
    for name in ("id", "device_id", "kind", "idle_s", "seen_at", "idle_at", "step_up_at"):
        op.execute(f"alter table app.sessions drop column {name}")
    for name in _NEW_TABLES:
        op.execute(f"drop table app.{name}")
    op.execute("alter table app.people drop column subdistrict_code")
    op.execute("alter table app.person_roles drop constraint ex_person_roles_administrators_apart")
    op.execute("delete from app.person_roles where role in ('security_administrator', 'peer')")
    _allow_roles(_ROLES_BEFORE)
