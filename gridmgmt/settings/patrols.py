"""Settings of patrols: what counts as having been somewhere; part of :mod:`gridmgmt.settings`."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class PatrolSettings(BaseSettings):
    """As :class:`gridmgmt.domain.coverage.CoverageRules`."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True)

    patrol_reach_m: float = Field(default=25.0, gt=0, le=200)
    """Metres within which a position covers a place on patrol."""

    patrol_accuracy_m: float = Field(default=50.0, gt=0, le=500)
    """Worst accuracy, in metres, of a position that counts; others are kept and do not count."""

    patrol_gap_s: int = Field(default=120, ge=10, le=3600)
    """Seconds without a position after which places that could be reached meanwhile are unknown."""

    patrol_h3_resolution: int = Field(default=12, ge=9, le=13)
    """H3 resolution of coverage; 12 is about 210 m² a hexagon."""
