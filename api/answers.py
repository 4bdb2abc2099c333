"""JSON answers, rendered by orjson: datetimes and UUIDs as they are, UTC written with Z."""

from typing import Any

import orjson
from starlette.responses import Response


class Json(Response):
    """A JSON body from plain data; used where the body was put together by a service already."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body."""
        return orjson.dumps(content, default=dict, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
