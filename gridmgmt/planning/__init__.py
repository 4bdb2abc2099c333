"""Planners' algorithms: GeoDataFrames in and out, seeded, no database."""
