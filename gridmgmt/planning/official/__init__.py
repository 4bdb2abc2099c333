"""Existing official grids: files in, a plan that passes the constraints out, or the reasons why not.

In the order in which a file goes through:

* ``reading``     SHP, GeoPackage, GeoJSON, KML; the encoding of texts; which column means what
* ``placing``     which coordinates these are: declared, concluded from evidence, or refused
* ``faces``       all borders noded together: each face of land with the cells that claim it
* ``inspection``  what is wrong: a list of defects with place, size and a proposed repair
* ``repair``      the proposals that a person accepted, and no others
* ``importing``   the door: all of it in one call, judged by :mod:`gridmgmt.planning.constraints`

Nothing is repaired that nobody accepted, and nothing is concluded without being said.
"""
