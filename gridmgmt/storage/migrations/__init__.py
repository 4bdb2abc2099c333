"""Alembic's migrations; run by ``gridmgmt.storage.schema``."""
