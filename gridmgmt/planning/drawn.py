"""What goes into and comes out of :func:`gridmgmt.planning.drawing.draw_atoms`, as plain values."""

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np

from gridmgmt.planning.bordering import Adjacency


@dataclass(frozen=True, slots=True)
class Drawing:
    """How layers are read and lines put right; the defaults suit OpenStreetMap.

    Attributes
    ----------
    road_class : column of the roads with their class; None: every road is a lane.
    extend_m : a dead end is carried on to a line that is not farther than this; 0 for not at all.
    narrower_than_m : faces that nowhere are this wide are shared out, as reserves of dual carriageways.
    keep_holes : ground that the communities enclose and none claims is somebody else's, not a gap.
    most_demand : a part with more demand is cut further where its buildings can be parted.
    demand : column of the layer of demand.
    most_atoms : more would be expected only by mistake, such as a size in the wrong unit.
    """

    road_class: str | None = "highway"
    extend_m: float = 30.0
    narrower_than_m: float = 40.0
    keep_holes: bool = False
    most_demand: float = np.inf
    demand: str = "households"
    most_atoms: int = 2_000_000


@dataclass(frozen=True, slots=True)
class Findings:
    """What was repaired, left out or left as it is. Counts, and the ids of what a planner should look at."""

    left_out: dict[str, int] = field(default_factory=dict)
    """Rows that separate nothing, by layer and reason."""
    carried_on: int = 0
    dangling: int = 0
    dangling_m: float = 0.0
    """Ends, and metres, of lines inside the territory that enclose nothing."""
    closed_blocks: int = 0
    """Blocks that lines make; equal to the communities' pieces when no road closes anything."""
    strips: int = 0
    seam_gap_m2: float = 0.0
    seam_overlap_m2: float = 0.0
    in_pieces: tuple[str, ...] = ()
    """Communities with exclaves or islands."""
    scraps_joined: int = 0
    smaller: tuple[str, ...] = ()
    """Atoms smaller than asked: no neighbour of their community could take them."""
    larger: tuple[str, ...] = ()
    """Atoms larger than asked, for the sake of a building or a scrap."""
    buildings_outside: int = 0
    buildings_overlapping: int = 0
    buildings_kept_whole: int = 0
    """Buildings that a road or a cut would have entered."""
    buildings_across_communities: tuple[str, ...] = ()
    """Ids of those that a community's border does cut."""
    area_moved_m2: float = 0.0
    """Area of the atoms less that of the communities as given: the lattice, and closed seams."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The result; all frames share the CRS, atoms and communities share their vertices.

    Attributes
    ----------
    atoms : ``atom_id``, ``community_code``, ``block_id``, ``buildings``, ``area_m2``, the demand if given.
    adjacency : node i is row i of the atoms.
    communities : ``code`` and the union of its atoms. blocks : ``block_id``, ``community_code``, ``area_m2``.
    findings : what was put right or left.
    """

    atoms: gpd.GeoDataFrame
    adjacency: Adjacency
    communities: gpd.GeoDataFrame
    blocks: gpd.GeoDataFrame
    findings: Findings
