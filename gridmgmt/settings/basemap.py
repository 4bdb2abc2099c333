"""Settings of the base map under our own; part of :mod:`gridmgmt.settings`."""

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gridmgmt.adapters.basemap import Basemap, Layer, require_template
from gridmgmt.adapters.channels import require_safe
from gridmgmt.adapters.tilestore import TileStore
from gridmgmt.errors import InvalidInput
from gridmgmt.geo.tilegrid import MAX_ZOOM, Matrix


class BasemapSettings(BaseSettings):
    """Without an address there is no base map but our own vector tiles."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True)

    basemap_url: str | None = None
    """Address of a WMTS mirror's tiles with ``{z}``, ``{x}`` and ``{y}`` (and ``{key}``), asked by the server
    alone; without it there is no base map under our own."""

    basemap_labels_url: str | None = None
    """As ``basemap_url``, of the layer with the names."""

    basemap_key: SecretStr | None = None
    """What stands for ``{key}``; phones never see it."""

    basemap_matrix: Matrix = Matrix.PROJECTED
    """``w`` for Web Mercator, ``c`` for CGCS2000 degrees: how the mirror cuts its tiles."""

    basemap_least_zoom: int = Field(default=10, ge=1, le=MAX_ZOOM)
    """Farthest zoom that is asked for, and served."""

    basemap_most_zoom: int = Field(default=18, ge=1, le=MAX_ZOOM)
    """Nearest zoom that is asked for, and served; nearer ones are drawn from it."""

    basemap_attribution: str | None = None
    """Whose map it is, shown on it; required with an address."""

    basemap_review_number: str | None = None
    """审图号 of the base map, shown on it."""

    basemap_keep_days: int = Field(default=7, ge=0, le=365)
    """Days that a fetched tile is fresh; 0 keeps none, where the licence wants that."""

    basemap_most_bytes: int = Field(default=2**30, ge=2**20)
    """Most bytes of kept tiles, 1 GiB by default; the worker looks every five minutes and takes away what was
    not used for longest."""

    basemap_least_free_bytes: int = Field(default=2 * 2**30, ge=0)
    """Bytes, 2 GiB by default, that tiles leave free on the disk of ``home``: with less none is kept, and the
    worker takes kept ones away."""

    basemap_timeout_s: float = Field(default=5.0, ge=0.5, le=15.0)
    """Seconds that fetching a tile may take."""

    basemap_plain_http: bool = False
    """Whether the mirror may be asked by plain http on another host: for a network that nobody else is in."""

    @model_validator(mode="after")
    def _basemap_is_safe(self) -> Self:
        if self.basemap_labels_url is not None and self.basemap_url is None:
            raise ValueError("basemap_labels_url needs basemap_url")
        if self.basemap_url is not None and not self.basemap_attribution:
            raise ValueError("basemap_attribution must say whose map it is")
        if self.basemap_least_zoom > self.basemap_most_zoom:
            raise ValueError("basemap_least_zoom is above basemap_most_zoom")
        for name in ("basemap_url", "basemap_labels_url"):
            address: str | None = getattr(self, name)
            if address is None:
                continue
            try:
                require_safe(address, allow_plain=self.basemap_plain_http)
                require_template(address, has_key=self.basemap_key is not None)
            except InvalidInput as fault:
                raise ValueError(f"{name}: {fault.message}") from None
        return self

    @property
    def basemap_zooms(self) -> range:
        """Zooms at which tiles of the base map are served."""
        return range(self.basemap_least_zoom, self.basemap_most_zoom + 1)

    def tile_store(self, home: Path) -> TileStore:
        """Where tiles of any mirror are kept, below ``home``."""
        return TileStore(
            home / "basemap",
            most_bytes=self.basemap_most_bytes,
            least_free_bytes=self.basemap_least_free_bytes,
        )

    def open_basemap(self, home: Path) -> Basemap | None:
        """The mirror that is set up; None without."""
        addresses = {
            layer: address
            for layer, address in ((Layer.GROUND, self.basemap_url), (Layer.LABELS, self.basemap_labels_url))
            if address is not None
        }
        if not addresses:
            return None
        key = self.basemap_key.get_secret_value() if self.basemap_key else ""
        return Basemap(
            addresses,
            key,
            self.basemap_matrix,
            self.tile_store(home),
            keep=timedelta(days=self.basemap_keep_days),
            timeout_s=self.basemap_timeout_s,
        )
