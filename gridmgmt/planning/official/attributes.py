"""Codes, kinds and households of a file: what is wrong with them, and the numbers that are given anew.

A code that an old case may point at is kept wherever it can be kept. Numbers are given anew only where a
person accepts it, in the reading order of :mod:`gridmgmt.planning.numbering`, and never one that the file or
``used`` has already.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridmgmt.domain.codes import GridCode
from gridmgmt.domain.grid import CellKind
from gridmgmt.planning.coverage import GeomArray, IntArray
from gridmgmt.planning.numbering import number_cells
from gridmgmt.planning.official.defect import Defect, DefectKind, defect_at
from gridmgmt.planning.official.faces import NOBODY
from gridmgmt.planning.official.reading import as_text

ANEW: Final = "anew"

KINDS: Final[Mapping[str, CellKind]] = {
    "duty": CellKind.DUTY, "基本网格": CellKind.DUTY, "综合网格": CellKind.DUTY, "一般网格": CellKind.DUTY,
    "基本": CellKind.DUTY, "综合": CellKind.DUTY,
    "dedicated": CellKind.DEDICATED, "专属网格": CellKind.DEDICATED, "专属": CellKind.DEDICATED,
    "专属单元": CellKind.DEDICATED,
}  # fmt: skip
"""Words of files and what they mean."""

_K = DefectKind


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the rows say of themselves, each None where it says nothing usable."""

    codes: list[str | None]
    names: list[str | None]
    kinds: list[CellKind]
    households: list[int | None]
    defects: tuple[Defect, ...]


def labels_of(rows: gpd.GeoDataFrame) -> list[str]:
    """What defects call the rows: the code as it stands in the file, else the number of the row."""
    return [as_text(value) or f"row {number}" for number, value in enumerate(rows["code"])]


def inspect_attributes(
    rows: gpd.GeoDataFrame, shapes: GeomArray, home: IntArray, communities: Sequence[str], *, has_kind: bool
) -> Attributes:
    """Look at the attributes.

    Parameters
    ----------
    rows : as :class:`~gridmgmt.planning.official.reading.Source` has them.
    shapes : (n,) sound polygons; rows whose polygon is empty are leaving and are not judged.
    home : (n,) position of each row's community, or -1.
    communities : their codes.
    has_kind : whether the file has a column of kinds; without one every cell is a duty grid.
    """
    staying = np.asarray([not shape.is_empty for shape in shapes], dtype=bool)
    texts = [as_text(value) for value in rows["code"]]
    found = [*_codes(texts, shapes, home, communities, staying)]
    kinds, unknown = _kinds(rows, shapes, staying, has_kind=has_kind)
    households, malformed = _households(rows, shapes, staying)
    names = [as_text(value) for value in rows["name"]]
    return Attributes(texts, names, kinds, households, (*found, *unknown, *malformed))


def plain_code(text: str) -> str:
    """Return a code without what typing and spreadsheets add: blanks, dashes, full-width digits, ``.0``.

    Examples
    --------
    >>> plain_code(" １２０116005001-001 "), plain_code("120116005001001.0")
    ('120116005001001', '120116005001001')
    """
    text = unicodedata.normalize("NFKC", text).strip()
    return re.sub(r"[\s\-_'’·]", "", re.sub(r"\.0+$", "", text))


def _codes(
    texts: list[str | None],
    shapes: GeomArray,
    home: IntArray,
    communities: Sequence[str],
    staying: npt.NDArray[np.bool_],
) -> list[Defect]:
    found = []
    area_m2 = shapely.area(shapes).tolist()
    taken = {text for text in texts if text}
    holders: dict[str, list[int]] = {}
    for row in np.flatnonzero(staying).tolist():
        text, where = texts[row], communities[home[row]] if home[row] != NOBODY else None
        given: dict[str, Any] = {"rows": (row,), "codes": (text or f"row {row}",), "choices": (ANEW,)}
        if text is None or not text.strip():
            found.append(defect_at(_K.CODE_MISSING, shapes[row], **given))
        elif not GridCode.is_valid(text):
            plain = plain_code(text)
            fits = GridCode.is_valid(plain) and plain[:12] == where and plain not in taken
            given["choices"] = (plain, ANEW) if fits else (ANEW,)
            given["repair"] = f"write {plain}" if fits else "number anew"
            given["detail"] = f"{text[:40]!r} is not a code of 15 digits"
            found.append(defect_at(_K.CODE_MALFORMED, shapes[row], **given))
        elif where is not None and text[:12] != where:
            given["detail"] = f"named {text}, but it lies in {where}"
            found.append(defect_at(_K.CODE_OF_OTHER_COMMUNITY, shapes[row], **given))
        else:
            holders.setdefault(text, []).append(row)
    for text, rows in holders.items():
        if len(rows) > 1:
            largest = max(rows, key=lambda r: (area_m2[r], -r))
            given = {"rows": tuple(rows), "codes": (text,), "size": float(len(rows))}
            given["choices"] = tuple(map(str, [largest, *(r for r in rows if r != largest)]))
            given["detail"] = f"rows {', '.join(map(str, rows))} have one code"
            given["repair"] = f"row {largest}, the largest, keeps it; number the others anew"
            found.append(defect_at(_K.CODE_DUPLICATE, shapes[rows[0]], **given))
    return found


def _kinds(
    rows: gpd.GeoDataFrame, shapes: GeomArray, staying: npt.NDArray[np.bool_], *, has_kind: bool
) -> tuple[list[CellKind], list[Defect]]:
    kinds, found = [], []
    for row, value in enumerate(rows["kind"]):
        text = (as_text(value) or "").strip()
        known = KINDS.get(text.lower())
        kinds.append(known or CellKind.DUTY)
        if has_kind and known is None and staying[row]:
            detail = f"{text[:40]!r} is neither 基本网格 nor 专属网格"
            found.append(defect_at(_K.KIND_UNKNOWN, shapes[row], rows=(row,), codes=(text,), detail=detail))
    return kinds, found


def _households(
    rows: gpd.GeoDataFrame, shapes: GeomArray, staying: npt.NDArray[np.bool_]
) -> tuple[list[int | None], list[Defect]]:
    counts: list[int | None] = []
    found = []
    for row, value in enumerate(rows["households"]):
        text = as_text(value)
        plain = unicodedata.normalize("NFKC", text or "").strip()
        counted = int(plain) if plain.isascii() and plain.isdigit() else None
        counts.append(counted)
        if text is not None and counted is None and staying[row]:
            detail = f"{text[:40]!r} is no number of households"
            given: dict[str, Any] = {"rows": (row,), "codes": (text[:40],), "detail": detail}
            found.append(defect_at(_K.HOUSEHOLDS_MALFORMED, shapes[row], **given))
    return counts, found


def repaired_codes(
    codes: Sequence[str | None],
    accepted: Sequence[tuple[Defect, str]],
    frame: gpd.GeoDataFrame,
    used: Collection[str],
) -> list[str | None]:
    """Return the codes after the accepted repairs.

    Parameters
    ----------
    codes : of each row of the file.
    accepted : defects of codes, each with its chosen value.
    frame : ``row`` (position in ``codes``), ``community_code``, ``kind`` and polygons of the rows that stay.
    used : every code that was ever issued.
    """
    result = list(codes)
    anew: set[int] = set()
    for defect, choice in accepted:
        if defect.kind is _K.CODE_DUPLICATE:
            anew |= {row for row in defect.rows if str(row) != choice}
        elif choice == ANEW:
            anew |= set(defect.rows)
        elif choice in result:
            # Two rows may not be mended to one code: the second is numbered anew.
            anew |= set(defect.rows)
        else:
            result[defect.rows[0]] = choice
    return renumbered(result, anew, frame, used)


def renumbered(
    codes: list[str | None], anew: Collection[int], frame: gpd.GeoDataFrame, used: Collection[str]
) -> list[str | None]:
    """Return ``codes`` with a fresh one for the rows of ``anew`` that are in ``frame``."""
    chosen = frame[frame["row"].isin(list(anew)) & frame["community_code"].notna()]
    if chosen.empty:
        return codes
    taken = {*used, *(code for code in codes if code)}
    fresh = number_cells(chosen, used=taken)
    result = list(codes)
    for row, code in zip(fresh["row"].tolist(), fresh["code"].tolist(), strict=True):
        result[row] = code
    return result
