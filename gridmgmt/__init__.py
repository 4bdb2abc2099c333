"""Grid management for urban subdistricts (街道), after 《天津市街道办事处条例》.

Arrows point inwards only (checked by import-linter, see docs/explanation/architecture.md)::

    api, cli ─▶ worker ─▶ services ─▶ storage │ adapters │ planning │ viz ─▶ domain ─▶ geo ─▶ errors

* ``errors``    the whole error tree
* ``geo``       pure geometry: CRS, datums, measuring, H3, topology
* ``domain``    pure rules: codes, cells, workflow, routing, clocks, permissions
* ``planning``  planners' algorithms: GeoDataFrames in and out, seeded
* ``storage``   all SQL; ``adapters`` photos and push; ``viz`` folium maps
* ``services``  one function per verb: read → decide → write
* ``worker``    drains the outbox, runs the clocks; ``cli`` the command line
"""

__version__ = "0.1.0"
