"""A component 部件: a thing of the street with a code, a place and an owner.

Attributes of GB/T 47678.5-2026 table 2 as far as the loop needs them; abbreviations of part 7 stand
beside the fields. Accuracy classes are those of GB/T 30428.2: A ±0.5 m (manholes, lamps), B ±1.0 m
(bins, kiosks, boards), C ±10 m (bridges, car parks). Not done here: the census, or telling the class
of accuracy from the class of component (the full table was not found).
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gridmgmt.domain.codes import ComponentCode, GridCode
from gridmgmt.errors import InvalidInput
from gridmgmt.geo.crs import LonLat


class AccuracyClass(StrEnum):
    """How well a position is surveyed."""

    A = "A"
    B = "B"
    C = "C"

    @property
    def limit_m(self) -> float:
        """Largest error of a position in metres."""
        return _LIMIT_M[self]

    def accepts(self, error_m: float) -> bool:
        """Whether a position with this error, in metres, belongs to the class; the limit itself does."""
        return 0 <= error_m <= _LIMIT_M[self]


_LIMIT_M = {AccuracyClass.A: 0.5, AccuracyClass.B: 1.0, AccuracyClass.C: 10.0}


class ComponentState(StrEnum):
    """GLBJZT."""

    INTACT = "intact"
    """完好"""
    DAMAGED = "damaged"
    """破损"""
    LOST = "lost"
    """丢失"""
    ABANDONED = "abandoned"
    """废弃"""
    REMOVED = "removed"
    """移除"""


class ComponentOrigin(StrEnum):
    """SJLY: where position and attributes come from."""

    SURVEY = "survey"
    """实测"""
    TOPOGRAPHIC_MAP = "topographic_map"
    """地形图"""
    BASE_DATA = "base_data"
    """基础地理数据"""
    OTHER = "other"
    """其他"""


@dataclass(frozen=True, slots=True)
class Component:
    """One component; positions in CGCS2000.

    Raises
    ------
    InvalidInput
        The change lies before the census, or the cell in another district than the code.
    """

    code: ComponentCode
    """GLBJBSM"""
    name: str
    """GLBJMC"""
    cell_code: GridCode
    """SZDYWGBSM"""
    position: LonLat
    accuracy_class: AccuracyClass
    supervising_unit_code: str
    """ZGBMDM 主管部门"""
    surveyed_on: date
    """CSRQ"""
    state: ComponentState = ComponentState.INTACT
    owner_unit_code: str | None = None
    """QSDWDM 权属单位"""
    maintaining_unit_code: str | None = None
    """YHDWDM 养护单位"""
    changed_on: date | None = None
    """BGRQ; None since the first census"""
    origin: ComponentOrigin | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.changed_on is not None and self.changed_on < self.surveyed_on:
            raise InvalidInput(
                "A component changes after its census, not before.",
                code=str(self.code),
                surveyed_on=self.surveyed_on.isoformat(),
                changed_on=self.changed_on.isoformat(),
            )
        if self.cell_code.district_code != self.code.district_code:
            raise InvalidInput(
                "A component stands in the district of its code.",
                code=str(self.code),
                cell_code=str(self.cell_code),
            )

    @property
    def category_code(self) -> str:
        """Class of five digits."""
        return self.code.category_code

    @property
    def responsible_unit_code(self) -> str:
        """Who mends it: the maintainer, else the owner, else the supervising department."""
        return self.maintaining_unit_code or self.owner_unit_code or self.supervising_unit_code
