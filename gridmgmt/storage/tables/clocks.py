"""For which rules the open deadlines of a street are computed."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table, Text, Uuid, text

from gridmgmt.storage.tables.base import instant, metadata

clock_standings = Table(
    "clock_standings",
    metadata,
    Column("subdistrict_code", Text, ForeignKey("app.subdistricts.code"), primary_key=True),
    # What all open deadlines were last computed from, as a digest; empty: they never were as a whole.
    Column("basis", Text, nullable=False, server_default=text("''")),
    # The revision of the rules at which that was last compared.
    Column("revision", BigInteger, nullable=False, server_default=text("-1")),
    # While they are computed anew: from what, since when, how far, and how many could not be.
    Column("wanted", Text),
    instant("since", nullable=True),
    Column("last_case", Uuid),
    Column("failed", Integer, nullable=False, server_default=text("0")),
    instant("done_at", nullable=True),
)
