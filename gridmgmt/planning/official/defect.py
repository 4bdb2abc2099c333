"""What can be wrong with a file of official grids, as a fixed list of kinds, and one defect of it.

Kinds are stable: acceptances, tests and pages key on them. So are the ids of defects: they are computed from
kind, cells and place, so that the same file gives the same ids tomorrow, and an accepted list can be kept
beside the file.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry


class Severity(StrEnum):
    """What a defect keeps from happening."""

    FATAL = "fatal"
    """Places or texts cannot be read as declared; nothing is repaired before this is accepted."""
    BLOCKING = "blocking"
    """Some hard rule of a plan fails."""
    WARNING = "warning"
    """An attribute is lost or doubtful; the plan can be adopted without a repair."""


class DefectKind(StrEnum):
    """What is wrong; the comment after each says what a person accepts with it."""

    CRS_MISSING = "crs_missing"
    CRS_CONTRADICTED = "crs_contradicted"
    AXES_SWAPPED = "axes_swapped"
    ENCODING_CONTRADICTED = "encoding_contradicted"
    TEXT_TRUNCATED = "text_truncated"
    CODE_MISSING = "code_missing"
    CODE_MALFORMED = "code_malformed"
    CODE_DUPLICATE = "code_duplicate"
    CODE_OF_OTHER_COMMUNITY = "code_of_other_community"
    KIND_UNKNOWN = "kind_unknown"
    HOUSEHOLDS_MALFORMED = "households_malformed"
    GEOMETRY_MISSING = "geometry_missing"
    SELF_CROSSING = "self_crossing"
    DUPLICATE_CELL = "duplicate_cell"
    CELL_OUTSIDE = "cell_outside"
    MULTIPART = "multipart"
    BORDER_UNMATCHED = "border_unmatched"
    GAP_SLIVER = "gap_sliver"
    GAP = "gap"
    GAP_LARGE = "gap_large"
    OVERLAP_SLIVER = "overlap_sliver"
    OVERLAP = "overlap"
    OUTSIDE_SLIVER = "outside_sliver"
    OUTSIDE = "outside"
    CROSSES_SLIVER = "crosses_sliver"
    CROSSES_COMMUNITY = "crosses_community"
    COMMUNITY_EMPTY = "community_empty"

    @property
    def about(self) -> "About":
        """Severity and texts."""
        return ABOUT[self]


@dataclass(frozen=True, slots=True)
class About:
    """Texts of a kind; ``repair`` is empty where there is nothing to propose."""

    severity: Severity
    chinese: str
    english: str
    repair: str


_F, _B, _W = Severity.FATAL, Severity.BLOCKING, Severity.WARNING
_K = DefectKind

ABOUT: Final[dict[DefectKind, About]] = {
    _K.CRS_MISSING: About(_F, "缺少坐标系说明", "no coordinate system is declared", "take the concluded one"),
    _K.CRS_CONTRADICTED: About(
        _F, "坐标系说明与坐标不符", "the declared coordinate system is wrong", "take the concluded one"
    ),
    _K.AXES_SWAPPED: About(_F, "坐标轴颠倒", "x and y are exchanged", "exchange them back"),
    _K.ENCODING_CONTRADICTED: About(
        _F, "文字编码说明不符", "the texts are not in the declared encoding", "read them in the concluded one"
    ),
    _K.TEXT_TRUNCATED: About(_W, "文字被截断", "a text is cut off inside a character", ""),
    _K.CODE_MISSING: About(_B, "缺少编码", "no code", "number anew"),
    _K.CODE_MALFORMED: About(_B, "编码格式错误", "not a code of 15 digits", "write it well, or number anew"),
    _K.CODE_DUPLICATE: About(_B, "编码重复", "the code is used twice", "number all but the largest anew"),
    _K.CODE_OF_OTHER_COMMUNITY: About(
        _B, "编码与所在社区不符", "the code names another community than the one it lies in", "number anew"
    ),
    _K.KIND_UNKNOWN: About(
        _B, "网格类型不明", "neither a duty nor a dedicated grid", "take it as a duty grid"
    ),
    _K.HOUSEHOLDS_MALFORMED: About(_W, "户数错误", "the households are no whole number of at least 0", ""),
    _K.GEOMETRY_MISSING: About(_B, "缺少图形", "no polygon", "leave the row out"),
    _K.SELF_CROSSING: About(
        _B, "边界自相交", "the border crosses itself", "take the areas that the border encloses"
    ),
    _K.DUPLICATE_CELL: About(_B, "网格重复", "the same ground as an earlier row", "leave the later row out"),
    _K.CELL_OUTSIDE: About(_B, "网格在范围外", "the cell lies in no community", "leave the row out"),
    _K.MULTIPART: About(_B, "网格不连片", "the cell is in several pieces", "give small pieces to neighbours"),
    _K.BORDER_UNMATCHED: About(
        _B, "边界节点不一致", "neighbours do not share the vertices of their border", "node the border"
    ),
    _K.GAP_SLIVER: About(_B, "狭缝", "thin ground that no cell has", "give it to the longest neighbour"),
    _K.GAP: About(_B, "空隙", "ground that no cell has", "give it to the longest neighbour"),
    _K.GAP_LARGE: About(_B, "大片空白", "ground of a cell's size that no cell has", ""),
    _K.OVERLAP_SLIVER: About(_B, "狭长重叠", "thin ground that several cells have", "give it to one of them"),
    _K.OVERLAP: About(_B, "重叠", "ground that several cells have", "give it to one of them"),
    _K.OUTSIDE_SLIVER: About(_B, "狭长越界", "thin ground outside all communities", "cut it off"),
    _K.OUTSIDE: About(_B, "超出范围", "ground outside all communities", "cut it off"),
    _K.CROSSES_SLIVER: About(
        _B, "狭长跨社区", "thin ground in another community", "give it to a neighbour there"
    ),
    _K.CROSSES_COMMUNITY: About(_B, "跨社区", "ground in another community", "give it to a neighbour there"),
    _K.COMMUNITY_EMPTY: About(_B, "社区无网格", "the community has no cell", ""),
}


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong.

    Attributes
    ----------
    kind : what.
    rows : rows of the file, from 0, in ascending order; empty for the file as a whole.
    codes : what the file calls those rows, or the community.
    x_m, y_m : a place in the metric zone; NaN where there is none.
    size, unit : how much: ``m2``, ``m`` or ``count``.
    detail : a sentence with what was seen.
    repair : what is proposed here; empty when a person has to draw or decide.
    choices : values that ``accept="ID=value"`` may name instead of the proposed one, which comes first.
    shape : the ground concerned.
    faces : of the noded coverage; for the repair alone.
    """

    kind: DefectKind
    rows: tuple[int, ...]
    codes: tuple[str, ...]
    x_m: float
    y_m: float
    size: float
    unit: str
    detail: str
    repair: str
    choices: tuple[str, ...] = ()
    shape: BaseGeometry | None = None
    faces: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """Kind and eight hexadecimal digits, the same for the same defect of the same file."""
        place = "" if np.isnan(self.x_m) else f"{self.x_m:.1f} {self.y_m:.1f}"
        text = "|".join([self.kind, *map(str, self.rows), *self.codes, place])
        return f"{self.kind}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    @property
    def severity(self) -> Severity:
        """What it keeps from happening."""
        return self.kind.about.severity

    @property
    def repairable(self) -> bool:
        """Whether there is something to accept."""
        return bool(self.repair)


def defect_at(kind: DefectKind, shape: BaseGeometry | None, **given: Any) -> Defect:
    """Build a defect whose place is a point of ``shape`` and whose repair is the kind's, unless given.

    Parameters
    ----------
    given : the other attributes of :class:`Defect`; all may be left out.
    """
    point = None if shape is None or shape.is_empty else shapely.point_on_surface(shape)
    values: dict[str, Any] = {
        "rows": (),
        "codes": (),
        "x_m": float(point.x) if point is not None else float("nan"),
        "y_m": float(point.y) if point is not None else float("nan"),
        "size": 1.0,
        "unit": "count",
        "detail": kind.about.english,
        "repair": kind.about.repair,
        "shape": shape,
    }
    return Defect(kind=kind, **(values | given))


_COLUMNS: Final = (
    "id", "kind", "kind_zh", "severity", "codes", "rows", "size", "unit", "x_m", "y_m", "detail", "repair",
    "choices", "state",
)  # fmt: skip


def defects_frame(defects: list[tuple[Defect, str]], crs: Any) -> gpd.GeoDataFrame:
    """Return defects as a layer: one row each, with the state that they are in.

    Parameters
    ----------
    defects : each with its state: ``open``, ``applied`` or ``deferred``.
    crs : that of their shapes.
    """
    rows = [
        {
            "id": defect.id,
            "kind": defect.kind.value,
            "kind_zh": defect.kind.about.chinese,
            "severity": defect.severity.value,
            "codes": " ".join(defect.codes),
            "rows": " ".join(map(str, defect.rows)),
            "size": round(defect.size, 4),
            "unit": defect.unit,
            "x_m": round(defect.x_m, 2),
            "y_m": round(defect.y_m, 2),
            "detail": defect.detail,
            "repair": defect.repair,
            "choices": " ".join(defect.choices),
            "state": state,
        }
        for defect, state in defects
    ]
    shapes = [defect.shape for defect, _ in defects]
    return gpd.GeoDataFrame(rows, columns=list(_COLUMNS), geometry=gpd.GeoSeries(shapes, crs=crs))
