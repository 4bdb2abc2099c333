"""Read a file of official grids: format, layer, encoding of texts, and which column means what.

Texts of shapefiles: the encoding that the ``.cpg`` file declares is believed when all texts are readable in
it. Where nothing is declared, or what is declared cannot be right, the bytes decide between UTF-8 and
GB 18030 (which holds GBK and GB 2312): only one of the two usually decodes them at all. If both do with
different results, the file is refused until the caller says which. Every conclusion is a note of the
:class:`Source`; a declaration that was overruled is a defect, for a person to accept.

GeoPackage, GeoJSON and KML are UTF-8 by their standards. GeoJSON and KML are WGS 84 by theirs, which counts
as a declaration and is put to the test like any other.
"""

import re
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from gridmgmt.errors import InvalidInput, NotFound, TooLarge
from gridmgmt.planning.official.defect import Defect, DefectKind, defect_at

FORMATS: Final[Mapping[str, str]] = {
    ".shp": "Shapefile",
    ".gpkg": "GeoPackage",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".kml": "KML",
}
MOST_BYTES: Final = 200 * 2**20
MOST_ROWS: Final = 20_000
ENCODINGS: Final = ("utf-8", "gb18030")

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "code": (
        "code", "grid_code", "gridcode", "cell_code", "bgcode", "wgbm", "wgdm", "bsm",
        "标识码", "网格编码", "网格代码", "网格编号", "单元网格编码", "编码",
    ),
    "name": ("name", "grid_name", "gridname", "bgname", "wgmc", "网格名称", "单元网格名称", "名称"),
    "community_code": ("community_code", "sqbm", "sqdm", "社区编码", "社区代码"),
    "kind": ("kind", "grid_type", "wglx", "网格类型", "网格类别", "类型"),
    "households": ("households", "hs", "户数", "居民户数", "总户数"),
}  # fmt: skip
"""Names by which columns are recognised, without regard to case; a name cut at ten bytes counts too."""

COMMUNITY_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "code": ("code", "community_code", "sqbm", "sqdm", "社区编码", "社区代码", "社区编号", "编码"),
    "name": ("name", "community_name", "sqmc", "社区名称", "名称"),
}

_KML_OWN: Final = {
    "id", "description", "timestamp", "begin", "end", "altitudemode", "tessellate", "extrude",
    "visibility", "draworder", "icon", "snippet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """What was read, nothing changed yet.

    Attributes
    ----------
    rows : ``code``, ``name``, ``community_code``, ``kind``, ``households`` (None where the file has no such
        column) and the polygons as they are in the file.
    format : its name.
    crs : what the file declares, or None.
    columns : for each meaning the column it was read from.
    notes : what was concluded, in sentences.
    defects : of the encoding.
    """

    rows: gpd.GeoDataFrame
    format: str
    crs: Any
    columns: Mapping[str, str | None]
    notes: tuple[str, ...]
    defects: tuple[Defect, ...] = field(default=())


def read_source(
    file: Path,
    *,
    layer: str | None = None,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
    meanings: Mapping[str, tuple[str, ...]] = COLUMNS,
) -> Source:
    """Read a file.

    Parameters
    ----------
    file : ends in one of :data:`FORMATS`.
    layer : needed when the file has several.
    encoding : of the texts of a shapefile; overrules what is declared and what would be concluded.
    columns : column of a meaning, where the name alone does not tell.
    meanings : what is looked for: :data:`COLUMNS`, or :data:`COMMUNITY_COLUMNS`.

    Raises
    ------
    NotFound
        No such file.
    TooLarge
        More bytes or rows than are taken.
    InvalidInput
        Not one of the formats, unreadable, several layers, no rows, texts that no encoding fits or that two
        fit, a column that is missing, or two columns with one meaning. ``facts["hint"]`` tells which.
    """
    kind = FORMATS.get(file.suffix.lower())
    if kind is None:
        raise InvalidInput(
            "not a format of grid files that is read", hint="format", formats=sorted(set(FORMATS.values()))
        )
    if not file.is_file():
        raise NotFound("no such file", file=file.name)
    if file.stat().st_size > MOST_BYTES:
        raise TooLarge("the file has too many bytes", limit_bytes=MOST_BYTES)
    frame, found, defects = _frame(file, kind, layer, encoding)
    if not 0 < len(frame) <= MOST_ROWS:
        raise InvalidInput("no rows, or too many", hint="rows", rows=len(frame), limit=MOST_ROWS)
    chosen = _columns(frame, kind, columns or {}, meanings)
    meant = {name: None if column is None else frame[column] for name, column in chosen.items()}
    rows = gpd.GeoDataFrame(
        {name: [None] * len(frame) if values is None else values for name, values in meant.items()},
        geometry=gpd.GeoSeries(shapely.force_2d(np.asarray(frame.geometry.array, dtype=object))),
    )
    notes = [f"{kind}, {len(frame)} rows", *found]
    notes += [f"{name}: " + (f"column {c}" if c else "no column recognised") for name, c in chosen.items()]
    return Source(rows, kind, frame.crs, chosen, tuple(notes), tuple(defects))


def _frame(
    file: Path, kind: str, layer: str | None, encoding: str | None
) -> tuple[gpd.GeoDataFrame, list[str], list[Defect]]:
    """The frame with texts decoded, notes and defects of the encoding."""
    if kind == "Shapefile":
        raw = _opened(file, None, encoding="ISO-8859-1")
        return _decoded(raw, encoding, _declared(file))
    if kind == "GeoJSON":
        content = file.read_bytes()
        concluded = _readable([content])
        if concluded == "gb18030":
            # RFC 8259 allows UTF-8 only: the text is read anew, and a person has to agree.
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / file.name
                copy.write_bytes(content.decode("gb18030").encode())
                frame = _opened(copy, layer)
            return frame, [], [_contradicted("UTF-8 (GeoJSON)", "gb18030")]
    return _opened(file, layer), [], []


def _opened(file: Path, layer: str | None, **options: Any) -> gpd.GeoDataFrame:
    try:
        layers = [str(name) for name in pyogrio.list_layers(file)[:, 0]]
        if layer is None and len(layers) > 1:
            raise InvalidInput("the file has several layers: name one", hint="layer", layers=layers)
        with warnings.catch_warnings():
            # What GDAL warns of, such as rings in doubtful order, the inspection looks at itself.
            warnings.simplefilter("ignore")
            frame = pyogrio.read_dataframe(file, layer=layer, **options)
    except (
        DataSourceError,
        DataLayerError,
        FeatureError,
        UnicodeDecodeError,
        shapely.GEOSException,
    ) as error:
        raise InvalidInput("the file cannot be read", hint="unreadable", reason=str(error)[:200]) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InvalidInput("the layer has no geometry", hint="no_geometry")
    return frame


def _declared(file: Path) -> str | None:
    for suffix in (".cpg", ".CPG"):
        beside = file.with_suffix(suffix)
        if beside.is_file():
            text = beside.read_text(encoding="ascii", errors="replace").strip()
            return _known_encoding(text) or text[:40]
    return None


def _known_encoding(name: str) -> str | None:
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if plain in {"utf8", "65001", "cp65001"}:
        return "utf-8"
    if plain in {"gbk", "gb2312", "gb18030", "936", "cp936", "ansi936", "oem936", "euccn"}:
        return "gb18030"
    return None


def _decoded(
    raw: gpd.GeoDataFrame, asked: str | None, declared: str | None
) -> tuple[gpd.GeoDataFrame, list[str], list[Defect]]:
    """Texts that were read as bytes (ISO 8859-1), in the encoding asked for, declared or concluded."""
    texts = [c for c in raw.columns if c != "geometry" and raw[c].dtype.kind in "OUST"]
    seen = [str(c) for c in raw.columns] + [v for c in texts for v in raw[c].dropna() if isinstance(v, str)]
    chunks = [text.encode("latin-1") for text in seen if not text.isascii()]
    chosen, note, defects = _chosen(chunks, asked, declared)
    cut: set[int] = set()

    def read(text: Any, row: int | None = None) -> Any:
        if not isinstance(text, str) or text.isascii():
            return text
        whole, truncated = _decode(text.encode("latin-1"), chosen)
        if truncated and row is not None:
            cut.add(row)
        return whole

    frame = raw.rename(columns={c: read(str(c)) for c in raw.columns})
    for old in texts:
        frame[read(str(old))] = [read(value, row) for row, value in enumerate(raw[old])]
    defects += [defect_at(DefectKind.TEXT_TRUNCATED, None, rows=(row,), repair="") for row in sorted(cut)]
    return frame, [note] if note else [], defects


def _chosen(chunks: list[bytes], asked: str | None, declared: str | None) -> tuple[str, str, list[Defect]]:
    if asked is not None:
        known = _known_encoding(asked)
        if known is None:
            raise InvalidInput("not an encoding that is read", hint="encoding", encodings=list(ENCODINGS))
        if not _fits(chunks, known):
            raise InvalidInput("the texts are not in this encoding", hint="encoding", asked=asked)
        return known, f"texts read as {known}, as asked", []
    if not chunks:
        return "utf-8", "", []
    if declared in ENCODINGS and _fits(chunks, declared):
        return str(declared), f"texts are {declared}, as declared", []
    concluded = _readable(chunks)
    if concluded is None:
        fitting = [name for name in ENCODINGS if _fits(chunks, name)]
        raise InvalidInput(
            "the encoding of the texts cannot be told: say which it is",
            hint="encoding",
            declared=declared,
            fitting=fitting,
        )
    if declared is not None:
        return concluded, "", [_contradicted(declared, concluded)]
    return concluded, f"no encoding declared; the texts can only be {concluded}", []


def _contradicted(declared: str, concluded: str) -> Defect:
    return defect_at(
        DefectKind.ENCODING_CONTRADICTED,
        None,
        codes=(concluded,),
        detail=f"declared {declared}, but the texts can only be read in {concluded}",
    )


def _readable(chunks: list[bytes]) -> str | None:
    """The one encoding that all fit; when both do, the one in which they are Chinese, or None."""
    fitting = [name for name in ENCODINGS if _fits(chunks, name)]
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    if all(chunk.isascii() for chunk in chunks):
        return "utf-8"
    chinese = [name for name in ENCODINGS if _is_chinese([_decode(chunk, name)[0] for chunk in chunks])]
    # GB 18030 makes rare characters of almost any bytes; UTF-8 that reads as Chinese is no accident.
    return chinese[0] if chinese else None


def _is_chinese(texts: list[str]) -> bool:
    letters = [c for text in texts for c in text if not c.isascii()]
    return sum("\u4e00" <= c <= "\u9fff" for c in letters) > len(letters) / 2


def _fits(chunks: list[bytes], encoding: str) -> bool:
    try:
        for chunk in chunks:
            _decode(chunk, encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decode(chunk: bytes, encoding: str) -> tuple[str, bool]:
    """The text, and whether its last character was cut off, as a field of fixed width does."""
    try:
        return chunk.decode(encoding), False
    except UnicodeDecodeError as error:
        if error.start < len(chunk) - 3 or error.end != len(chunk):
            raise
        return chunk[: error.start].decode(encoding), True


def _columns(
    frame: gpd.GeoDataFrame, kind: str, given: Mapping[str, str], meanings: Mapping[str, tuple[str, ...]]
) -> dict[str, str | None]:
    here = [str(c) for c in frame.columns if c != "geometry"]
    if kind == "KML":
        here = [c for c in here if c.lower() not in _KML_OWN and not frame[c].isna().all()]
    wrong = [c for m, c in given.items() if m not in meanings or c not in here]
    if wrong:
        raise InvalidInput("no such column or meaning", hint="columns", columns=here, meanings=list(meanings))
    chosen: dict[str, str | None] = {}
    for meaning, names in meanings.items():
        wanted = {cut for name in names for cut in _cut_names(name)}
        found = [c for c in here if c.lower() in wanted]
        if meaning in given:
            found = [given[meaning]]
        if len(found) > 1:
            raise InvalidInput(
                "two columns have one meaning: say which counts",
                hint="columns",
                meaning=meaning,
                columns=found,
            )
        chosen[meaning] = found[0] if found else None
    return chosen


def _cut_names(name: str) -> set[str]:
    """The name, and what a shapefile's ten bytes leave of it in either encoding."""
    cut = {name}
    for encoding in ENCODINGS:
        cut.add(name.encode(encoding)[:10].decode(encoding, errors="ignore"))
    return cut


def as_text(value: Any) -> str | None:
    """Return a cell of a table as text: whole numbers without a point, None for what is missing."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
