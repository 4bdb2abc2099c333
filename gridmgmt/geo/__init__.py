"""Pure geometry on shapely, pyproj and h3: CRS, datums, measuring, hexes, topology."""
