"""Beside the rows of ``photos``: what the camera wrote, derivatives, the ledger, looks at originals.

Everything but the ledger is only ever added to.
"""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from gridmgmt.domain.evidence import PhotoState
from gridmgmt.domain.onsite import Standing
from gridmgmt.storage.tables.base import instant, metadata, words


def _of_a_photo(name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["subdistrict_code", "sha256"],
        ["app.photos.subdistrict_code", "app.photos.sha256"],
        name=f"fk_{name}_photo",
    )


photo_meta = Table(
    "photo_meta",
    metadata,
    Column("subdistrict_code", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    # none, read or unreadable: an absent block is a fact as well.
    Column("exif", Text, nullable=False),
    # As the camera wrote them; nobody has checked its clock, its position or its name.
    Column("taken_local", Text),
    Column("taken_offset", Text),
    Column("make", Text),
    Column("model", Text),
    Column("software", Text),
    Column("serial", Text),
    Column("orientation", SmallInteger),
    Column("gps_lon", Double),
    Column("gps_lat", Double),
    Column("gps_datum", Text),
    Column("gps_altitude_m", Double),
    Column("gps_error_m", Double),
    Column("gps_at", Text),
    instant("examined_at"),
    PrimaryKeyConstraint("subdistrict_code", "sha256"),
    _of_a_photo("photo_meta"),
)

photo_derivatives = Table(
    "photo_derivatives",
    metadata,
    Column("subdistrict_code", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # Digest of what the strip says: with the case's number there is another derivative.
    Column("caption_sha256", Text, nullable=False),
    Column("derived_sha256", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    instant("made_at"),
    PrimaryKeyConstraint("subdistrict_code", "sha256", "kind", "caption_sha256"),
    _of_a_photo("photo_derivatives"),
    Index("ix_photo_derivatives_derived", "derived_sha256"),
)

photo_ledger = Table(
    "photo_ledger",
    metadata,
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("sent_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    *words("state", PhotoState),
    Column("media_type", Text),
    Column("expected_bytes", Integer),
    Column("received_bytes", Integer, nullable=False),
    # Code and reason of the last refusal; null while there is none.
    Column("refused_code", Text),
    Column("refused_reason", Text),
    instant("began_at"),
    instant("changed_at"),
    PrimaryKeyConstraint("subdistrict_code", "sha256"),
    Index("ix_photo_ledger_state", "subdistrict_code", "state", "changed_at"),
)

photo_announcements = Table(
    "photo_announcements",
    metadata,
    # The phone's own id of a report that may not be here yet.
    Column("report_id", Uuid, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("subdistrict_code", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("announced_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("announced_at"),
    PrimaryKeyConstraint("report_id", "sha256"),
    ForeignKeyConstraint(
        ["subdistrict_code", "sha256"],
        ["app.photo_ledger.subdistrict_code", "app.photo_ledger.sha256"],
        name="fk_photo_announcements_ledger",
    ),
    Index("ix_photo_announcements_photo", "subdistrict_code", "sha256"),
)

case_photos = Table(
    "case_photos",
    metadata,
    # Photos that came with a later step than the report, such as the handling result.
    Column("case_id", Uuid, ForeignKey("app.cases.id"), nullable=False),
    Column("subdistrict_code", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    PrimaryKeyConstraint("case_id", "sha256"),
    _of_a_photo("case_photos"),
    Index("ix_case_photos_photo", "subdistrict_code", "sha256"),
)

# The same thing seen again by somebody: his photos join the case instead of a second report.
case_sightings = Table(
    "case_sightings",
    metadata,
    # The phone's own id: sent twice, kept once.
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, ForeignKey("app.cases.id"), nullable=False),
    Column("subdistrict_code", Text, nullable=False),
    Column("seen_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    instant("observed_at"),
    # As a phone with a wrong clock told it.
    instant("device_at", nullable=True),
    instant("received_at"),
    # What was measured of a position that is not kept itself.
    *words("standing", Standing),
    Column("distance_m", Double),
    Column("accuracy_m", Double),
    Column("basis", Text),
    Column("words", Text, nullable=False),
    # Photos, then recordings, in the order taken; case_photos refers to each.
    Column("photos", ARRAY(Text), nullable=False),
    Column("recordings", ARRAY(Text), nullable=False),
    CheckConstraint(
        "case when standing = 'not_measured' then distance_m is null and accuracy_m is null and basis is null"
        " else distance_m >= 0 and basis in ('point', 'cell') end",
        name="measured",
    ),
    Index("ix_case_sightings_case", "case_id", "received_at"),
)

original_links = Table(
    "original_links",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("subdistrict_code", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    Column("asked_by", Uuid, ForeignKey("app.people.id"), nullable=False),
    Column("reason", Text, nullable=False),
    instant("asked_at"),
    instant("expires_at"),
    _of_a_photo("original_links"),
)

original_link_uses = Table(
    "original_link_uses",
    metadata,
    # One row at most: what makes a link good for one look.
    Column("link_id", Uuid, ForeignKey("app.original_links.id"), primary_key=True),
    Column("subdistrict_code", Text, nullable=False),
    instant("used_at"),
)
