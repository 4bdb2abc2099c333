"""Every table of schema ``app``, in glossary order; Core tables, no ORM.

Geometry columns are declared by :func:`gridmgmt.storage.tables.base.geometry` and nowhere else:
CGCS2000 geographic, with the GiST index named explicitly (GeoAlchemy2's automatic one is created
twice by autogenerate). Times are ``timestamptz`` ending ``_at``, dates end ``_on`` or are
validity bounds ``valid_from``/``valid_to`` (half-open).
"""

from gridmgmt.storage.tables.base import SCHEMA, metadata
from gridmgmt.storage.tables.cases import (
    case_reclockings,
    case_requests,
    case_steps,
    cases,
    photos,
    report_photos,
    reports,
)
from gridmgmt.storage.tables.catalogue import (
    calendar_days,
    calendar_versions,
    categories,
    closing_conditions,
    duty_items,
    filing_conditions,
    handling_limits,
    handling_milestones,
    routing_rule_sets,
    rulebook_revision,
    stage_limits,
    work_calendars,
)
from gridmgmt.storage.tables.evidence import (
    case_photos,
    original_link_uses,
    original_links,
    photo_announcements,
    photo_derivatives,
    photo_ledger,
    photo_meta,
)
from gridmgmt.storage.tables.grids import base_features, cell_hexes, cell_workers, grid_cells, grid_plans
from gridmgmt.storage.tables.identity import (
    accounts,
    devices,
    one_time_links,
    peer_assertions,
    peers,
    recovery_codes,
    sessions,
    sign_ins,
    throttle,
)
from gridmgmt.storage.tables.operations import backup_runs, heartbeats
from gridmgmt.storage.tables.org import communities, people, person_roles, subdistricts, units
from gridmgmt.storage.tables.privacy import (
    contacts,
    exports,
    legal_hold_ends,
    legal_holds,
    purges,
    retention_classes,
    reveals,
    subject_keys,
)
from gridmgmt.storage.tables.records import audit_log, outbox
from gridmgmt.storage.tables.seal import audit_checkpoints, audit_leaves, audit_salts

__all__ = [
    "SCHEMA",
    "accounts",
    "audit_checkpoints",
    "audit_leaves",
    "audit_log",
    "audit_salts",
    "backup_runs",
    "base_features",
    "calendar_days",
    "calendar_versions",
    "case_photos",
    "case_reclockings",
    "case_requests",
    "case_steps",
    "cases",
    "categories",
    "cell_hexes",
    "cell_workers",
    "closing_conditions",
    "communities",
    "contacts",
    "devices",
    "duty_items",
    "exports",
    "filing_conditions",
    "grid_cells",
    "grid_plans",
    "handling_limits",
    "handling_milestones",
    "heartbeats",
    "legal_hold_ends",
    "legal_holds",
    "metadata",
    "one_time_links",
    "original_link_uses",
    "original_links",
    "outbox",
    "peer_assertions",
    "peers",
    "people",
    "person_roles",
    "photo_announcements",
    "photo_derivatives",
    "photo_ledger",
    "photo_meta",
    "photos",
    "purges",
    "recovery_codes",
    "report_photos",
    "reports",
    "retention_classes",
    "reveals",
    "routing_rule_sets",
    "rulebook_revision",
    "sessions",
    "sign_ins",
    "stage_limits",
    "subdistricts",
    "subject_keys",
    "throttle",
    "units",
    "work_calendars",
]
