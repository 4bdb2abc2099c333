"""Grid plans: the cells of one subdistrict, as one dated version.

A plan is the unit of publication. It is drawn, checked, reviewed by the district and published; from
``valid_from`` on it is in force until the next one takes over at ``valid_to``, which is the first moment
it no longer holds. Intervals are half-open, so that at every moment at most one plan of a sequence is in
force and a handover leaves no gap. A published plan is never changed and its codes are never used again:
old cases keep the cell they were filed in.

Attributes of a cell follow the unit-grid attributes of GB/T 30428.2 as the standards' users list them
(标识码, 名称, 面积, 初始日期, 终止日期, 备注; Beijing adds land use, management level and responsible
body): DOMAIN.md §2.4.

Not here: the geometry checks (``gridmgmt.geo.topology``), the search for a position
(``gridmgmt.domain.cellindex``), who may publish (``gridmgmt.domain.permissions``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from shapely.geometry import MultiPolygon, Polygon

from gridmgmt.errors import InvalidCode, InvalidGeometry, InvalidInput
from gridmgmt.geo.crs import MetricZone, require_lonlat_bounds
from gridmgmt.geo.topology import require_area


class CellKind(StrEnum):
    """What a cell is for."""

    DUTY = "duty"
    """基本网格: people and duty, some 300 to 500 households; routing uses it."""
    DEDICATED = "dedicated"
    """专属网格: a school, hospital, park, office building or site with a manager of its own."""
    UNIT = "unit"
    """单元网格: the basic management grid of about 10 000 m², 15 digits."""


class PlanStatus(StrEnum):
    """Where a plan stands on its way (article 21-1)."""

    DRAFT = "draft"
    CHECKED = "checked"
    """It passed the hard constraints: nested, contiguous, seamless."""
    REVIEWED = "reviewed"
    """The district's grid office agreed."""
    PUBLISHED = "published"
    """In force between its dates, and for ever the truth about that time."""
    REJECTED = "rejected"
    """The district's grid office refused it; another plan is drawn instead."""
    WITHDRAWN = "withdrawn"
    """Given up before it was published; never in force. A published plan ends by ``valid_to`` instead."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """One cell of a plan.

    ``polygon`` is in CGCS2000 (lon, lat) degrees; ``area_m2`` was measured in the plan's metric zone.
    ``households`` is None where nobody counted, which is not the same as 0. ``starts_on`` and ``ends_on``
    are the cell's own dates (初始日期, 终止日期); ``ends_on`` is the first day it no longer exists.
    """

    code: str
    community_code: str
    name: str
    kind: CellKind
    polygon: Polygon | MultiPolygon
    area_m2: float
    households: int | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    remark: str = ""
    land_use_code: str | None = None
    """用地类别代码"""
    management_level_code: str | None = None
    """管理等级代码"""
    responsible_body: str | None = None
    """责任主体; where it is None the community answers for the cell (属地兜底)."""

    def __post_init__(self) -> None:
        if not self.code:
            raise InvalidCode("a cell needs a code", name=self.name)
        require_area(self.polygon, self.code)
        require_lonlat_bounds(*self.polygon.bounds)
        if not self.area_m2 > 0.0:
            raise InvalidGeometry(
                "a cell's area must be above 0 m²", name=self.code, area_m2=str(self.area_m2)
            )
        if self.households is not None and self.households < 0:
            raise InvalidInput("households cannot be negative", cell=self.code, households=self.households)
        if self.starts_on and self.ends_on and self.ends_on <= self.starts_on:
            raise InvalidInput("a cell ends after the day it starts", cell=self.code)


@dataclass(frozen=True, slots=True)
class GridPlan:
    """One version of the cells of one subdistrict.

    ``version`` counts from 1 within the subdistrict. ``valid_to`` None means until further notice.
    ``base_map_version`` names the survey base map the cells were cut on (法定基础). ``synthetic`` is True
    when households or outlines are made up, and every view of the plan must say so. ``zone`` is the
    metric zone its areas were measured in.
    """

    id: UUID
    subdistrict_code: str
    version: int
    status: PlanStatus
    valid_from: datetime
    valid_to: datetime | None
    cells: tuple[GridCell, ...]
    base_map_version: str
    synthetic: bool
    zone: MetricZone

    def __post_init__(self) -> None:
        _require_aware(self.valid_from, "valid_from")
        if self.valid_to is not None:
            _require_aware(self.valid_to, "valid_to")
            if self.valid_to <= self.valid_from:
                raise InvalidInput("a plan must end after it begins", plan=str(self.id))
        if self.version < 1:
            raise InvalidInput("versions count from 1", plan=str(self.id), version=self.version)
        codes = [cell.code for cell in self.cells]
        if len(set(codes)) < len(codes):
            twice = sorted({code for code in codes if codes.count(code) > 1})
            raise InvalidCode("a cell code occurs twice in the plan", plan=str(self.id), codes=twice)
        strangers = sorted(
            c.code for c in self.cells if not c.community_code.startswith(self.subdistrict_code)
        )
        if strangers:
            # DOMAIN.md §2.1 属地管理: a cell never crosses into another subdistrict.
            raise InvalidCode(
                "cells of a community outside the subdistrict", plan=str(self.id), codes=strangers
            )

    def in_force(self, at: datetime) -> bool:
        """Say whether the plan holds at a moment.

        Parameters
        ----------
        at : aware. ``valid_from`` itself belongs to the plan, ``valid_to`` no longer does.

        Raises
        ------
        InvalidInput
            ``at`` has no time zone.
        """
        _require_aware(at, "at")
        if self.status is not PlanStatus.PUBLISHED or at < self.valid_from:
            return False
        return self.valid_to is None or at < self.valid_to

    def cell(self, code: str) -> GridCell | None:
        """Return the cell with that code, or None."""
        return next((cell for cell in self.cells if cell.code == code), None)

    def polygons(self, *kinds: CellKind) -> Iterator[tuple[str, Polygon | MultiPolygon]]:
        """Yield (code, polygon) pairs as ``CellIndex.build`` takes them.

        Parameters
        ----------
        kinds : which cells; none named means all.
        """
        for cell in self.cells:
            if not kinds or cell.kind in kinds:
                yield cell.code, cell.polygon


def _require_aware(moment: datetime, name: str) -> None:
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise InvalidInput("a time needs its zone", field=name)
