"""All SQL. The only package that imports SQLAlchemy and GeoAlchemy2; every list function asks for an actor."""
