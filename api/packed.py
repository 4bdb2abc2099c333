"""The built pages, in the smallest shape that a browser takes: ``a.js.br``, ``a.js.gz``, else ``a.js``.

The build writes the packed shapes (web/tooling/pack.ts), so that packing costs no request anything. Names of
assets carry a hash of their content: a browser that has one asks for it never again.
"""

import mimetypes
import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

_SHAPES = (("br", ".br"), ("gzip", ".gz"))
FOR_EVER = "public, max-age=31536000, immutable"


def packed(path: Path, accepts: str, headers: dict[str, str]) -> FileResponse:
    """A file in the first shape that is there and accepted.

    Parameters
    ----------
    accepts : the Accept-Encoding header.
    """
    taken = accepted(accepts)
    headers = {**headers, "Vary": "Accept-Encoding"}
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    for coding, ending in _SHAPES:
        shape = path.with_name(path.name + ending)
        if coding in taken and shape.is_file():
            return FileResponse(shape, media_type=kind, headers={**headers, "Content-Encoding": coding})
    return FileResponse(path, media_type=kind, headers=headers)


def accepted(accepts: str) -> frozenset[str]:
    """The codings that an Accept-Encoding header names. One with a weight of 0 is a no, any other a yes.

    Examples
    --------
    >>> sorted(accepted("br;q=0, gzip;q=0.5, deflate"))
    ['deflate', 'gzip']
    """
    return frozenset(name for name, weight in map(_weighed, accepts.lower().split(",")) if weight != 0)


def _weighed(part: str) -> tuple[str, float]:
    name, _, weight = part.partition(";")
    try:
        return name.strip(), float(weight.strip().removeprefix("q=") or 1)
    except ValueError:
        return name.strip(), 0


class PackedFiles(StaticFiles):
    """As Starlette's, packed and kept by browsers for ever: names of assets carry hashes."""

    def file_response(  # the base class's signature
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, or word that the browser's copy is the same."""
        del stat_result, status_code
        asked = Headers(scope=scope)
        headers = {"Cache-Control": FOR_EVER}
        response = packed(Path(full_path), asked.get("accept-encoding", ""), headers)
        # The shape's own size and time make its tag, so that no shape is taken for another.
        response.set_stat_headers(Path(response.path).stat())
        if self.is_not_modified(response.headers, asked):
            return NotModifiedResponse(response.headers)
        return response
