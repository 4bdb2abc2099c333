"""Planners' algorithms: GeoDataFrames in and out, seeded, no database.

In the order in which a plan comes about:

* ``drawing``       raw layers → atoms with adjacency: one door over ``lines``, ``territory``, ``faces``,
  ``cutting``, ``footprints``, ``merging`` and ``bordering``; its values are in ``drawn``
* ``blocks``        roads → blocks, dual carriageways collapsed
* ``atoms``         blocks → atoms that cut no building
* ``workload``      households, incidents and hours of work per atom, with units
* ``linecosts``     what a border costs on roads, water and walls
* ``admission``     what a street must be before it is divided: valid, seamless, in one CRS
* ``propose``       atoms → cells inside communities; ``former``: the plan before
* ``partition``     the same for bare graphs, and both doors' names
* ``city``          many streets at once, with ``city_ledger``
* ``cutedges``      the literature's problem instead: the fewest cut edges within a tolerance
* ``numbering``     15-digit codes, west → east and north → south
* ``constraints``   named rules a plan keeps to; ``evaluate`` the report card
* ``editing``       a plan changed by hand, judged at once; its parts are named ``editing_…``
* ``hotspots``      where cases are more than chance; ``staffing`` posts by work; ``routes`` patrol routes

Below them: ``coverage`` (seamless polygons on one lattice), ``tessellation`` and ``midlines`` (nearest shares
of land), ``graph``, ``allotment`` (how many cells), ``bounds`` (what no plan can do better than), ``engine``
and ``search`` (compiled local search); ``cutedges_state``, ``cutedges_anneal`` and ``cutedges_pool``
(compiled too); ``stopwatch``. The demo subdistrict: ``demo_files``, ``demo_plan``, and what was invented for
it: ``demo_street``, ``demo_sites``, ``demo_buildings``, ``demo_grouping``; a made-up year, ``demo_year``.
"""
