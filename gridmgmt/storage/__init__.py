"""All SQL: the only package that imports SQLAlchemy and GeoAlchemy2. Lists ask for an actor."""
