"""A WMTS mirror on a socket that cuts its map in degrees and paints each row of a tile in its own green."""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image

SIDE = 256
_ADDRESS = re.compile(r"^/vec_c/wmts\?TILEMATRIX=(\d+)&TILECOL=(\d+)&TILEROW=(\d+)&tk=stub-key$")


def green_at(z: int, lat: float) -> float:
    """The green of the row that shows a latitude."""
    return (90.0 - lat) / 360.0 * 2**z * SIDE % SIDE


def _picture() -> bytes:
    rows = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    rows[..., 0], rows[..., 2] = 200, 40
    rows[..., 1] = np.arange(SIDE, dtype=np.uint8)[:, None]
    buffer = io.BytesIO()
    Image.fromarray(rows).save(buffer, "PNG")
    return buffer.getvalue()


class _Handler(BaseHTTPRequestHandler):
    picture = _picture()
    zooms: list[int]

    def do_GET(self) -> None:
        asked = _ADDRESS.match(self.path)
        self.send_response(200 if asked else 400)
        self.end_headers()
        if asked:
            self.zooms.append(int(asked[1]))
            self.wfile.write(self.picture)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def mirror() -> Iterator[tuple[str, list[int]]]:
    """The template of its address, and the zooms that it was asked for."""
    handler = type("Handler", (_Handler,), {"zooms": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            host = f"http://127.0.0.1:{server.server_port}"
            yield f"{host}/vec_c/wmts?TILEMATRIX={{z}}&TILECOL={{x}}&TILEROW={{y}}&tk={{key}}", handler.zooms
        finally:
            server.shutdown()
