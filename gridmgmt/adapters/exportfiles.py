"""Rows as bytes of a CSV, GeoJSON or GeoPackage file.

Text in a CSV that a spreadsheet would take for a formula gets an apostrophe before it (CWE-1236): what
begins with ``= + - @``, their full-width forms, a tab or a line break. Numbers and times are written as
they are, so degrees keep their digits.
"""

import csv
import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely

from gridmgmt.domain.purposes import ExportFormat
from gridmgmt.geo.crs import GEOGRAPHIC

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
Row = Mapping[str, Any]


def write(kind: ExportFormat, headings: Mapping[str, str], rows: Sequence[Row], note: str) -> bytes:
    """The file.

    Parameters
    ----------
    headings : name of each column and its heading, in order.
    rows : values by name: text, numbers, :class:`~decimal.Decimal` for degrees, None. Geographic files
        place a row by its ``lon`` and ``lat``.
    note : for whom and what for; visible in every row, in the column ``watermark``.
    """
    return _WRITERS[kind](headings, rows, note)


def _csv(headings: Mapping[str, str], rows: Sequence[Row], note: str) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([*headings.values(), "水印"])
    for row in rows:
        writer.writerow([*(cell(row[name]) for name in headings), cell(note)])
    # With the mark that makes spreadsheets read it as UTF-8.
    return buffer.getvalue().encode("utf-8-sig")


def cell(value: Any) -> Any:
    """A value as it may stand in a spreadsheet: text is never a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _geojson(headings: Mapping[str, str], rows: Sequence[Row], note: str) -> bytes:
    features = [
        {
            "type": "Feature",
            "geometry": None if row["lon"] is None else {"type": "Point", "coordinates": _degrees(row)},
            "properties": _properties(headings, row) | {"watermark": note},
        }
        for row in rows
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def _gpkg(headings: Mapping[str, str], rows: Sequence[Row], note: str) -> bytes:
    import pyogrio  # noqa: PLC0415  brings pandas, a fifth of a server's start, for an export now and then

    points = [None if row["lon"] is None else shapely.Point(*_degrees(row)) for row in rows]
    properties = [_properties(headings, row) | {"watermark": note} for row in rows]
    names = [name for name in (*headings, "watermark") if name not in {"lon", "lat"}]
    columns = [np.array([_text(row[name]) for row in properties], dtype=object) for name in names]
    with tempfile.TemporaryDirectory(prefix="gridmgmt-export-") as folder:
        path = Path(folder) / "export.gpkg"
        pyogrio.raw.write(
            path,
            geometry=np.array(shapely.to_wkb(points), dtype=object),
            field_data=columns,
            fields=names,
            geometry_type="Point",
            crs=GEOGRAPHIC,
            driver="GPKG",
            layer="cases",
        )
        return path.read_bytes()


def _properties(headings: Mapping[str, str], row: Row) -> dict[str, Any]:
    return {name: row[name] for name in headings if name not in {"lon", "lat"}}


def _degrees(row: Row) -> list[float]:
    return [float(row["lon"]), float(row["lat"])]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


_WRITERS: Mapping[ExportFormat, Callable[[Mapping[str, str], Sequence[Row], str], bytes]] = {
    ExportFormat.CSV: _csv,
    ExportFormat.GEOJSON: _geojson,
    ExportFormat.GPKG: _gpkg,
}


def text_of(path: Path) -> str:
    """All times, numbers and text of an export file as one text, for whoever looks for its marks."""
    if path.suffix.lower() != ".gpkg":
        return path.read_text(encoding="utf-8", errors="replace")
    import pyogrio  # noqa: PLC0415  see above

    meta, _, geometry, columns = pyogrio.raw.read(path)
    points = [p for p in shapely.from_wkb(geometry) if p is not None]
    degrees = [f"{Decimal(repr(part)):f}" for p in points for part in (p.x, p.y)]
    return "\n".join([*meta["fields"], *degrees, *(str(v) for column in columns for v in column)])
