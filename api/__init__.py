"""HTTP on top of gridmgmt.services: no rules, no SQL. ``create_app(settings)`` is the composition root."""
