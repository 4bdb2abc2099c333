"""Who may touch which rows: the second layer of rights, kept by PostgreSQL itself.

The first layer is the actor's scope in every function of :mod:`gridmgmt.storage`; this one holds when
the first is forgotten. ``matrix.toml`` is the one reviewed file; :mod:`.policies` makes the grants and
policies of it after every migration, :mod:`.walls` says as which role a transaction acts, and
``prepare.sql`` is what only a superuser can do, once per database. Decision record 0009 has the
reasons and the figures.
"""
