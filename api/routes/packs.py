"""Packs: one's own grids in one piece each, for a phone to keep (``services.packs``)."""

import gzip
import hashlib
import re
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.answers import Json
from api.deps import OneTransaction
from api.models import Model, problems
from api.packed import accepted
from api.routes.patrols import rules_of
from gridmgmt.services import packs

router = APIRouter(tags=["grids"])

_MEDIA_TYPE = "application/vnd.gridmgmt.pack"
_ETAG = re.compile(r'"([0-9a-f]{32})\.([0-9a-f]{32})"')


class PackOut(Model):
    """A pack that one may take; while the tag stays the same, so does the pack."""

    cell_code: str
    name: str
    tag: str
    tiles: int


class PackList(Model):
    """The packs of one's own grids."""

    items: list[PackOut]


@router.get("/packs", response_model=PackList, responses=problems(409, 429))
def list_packs(work: OneTransaction) -> Response:
    """Which packs one may take; under another tag than the one kept, a pack may have changed."""
    with work.begin(read_only=True) as w:
        found = packs.offered(w.db, w.actor, w.now, w.rulebooks, rules_of(work.parts.settings))
    return Json({"items": [one.told for one in found]})


@router.get(
    "/packs/{cell_code}",
    response_class=Response,
    responses={
        200: {"content": {_MEDIA_TYPE: {}}},
        304: {"description": "Unchanged"},
        **problems(404, 409, 413, 429),
    },
)
def take_pack(
    cell_code: Annotated[str, Path(pattern=r"^[0-9]{15}$")], request: Request, work: OneTransaction
) -> Response:
    """One pack: four bytes of length, a header in JSON, then the tiles in its order."""
    rules = rules_of(work.parts.settings)
    kept = _parts_of(request.headers.get("if-none-match", ""))
    content = None
    with work.begin(read_only=True) as w:
        one = packs.one_of(packs.offered(w.db, w.actor, w.now, w.rulebooks, rules), cell_code)
        digest = kept.get(one.tag)
        if digest is None:
            content = packs.packed(w.db, w.actor, w.now, rules, one)
            digest = hashlib.sha256(content).hexdigest()[:32]
    # Tag and content: under the same tag nothing is drawn; under another one a change elsewhere in the
    # street costs a phone one question and no bytes.
    headers = {
        "ETag": f'"{one.tag}.{digest}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Cookie, Accept-Encoding",
    }
    if content is None or digest in kept.values():
        return Response(status_code=304, headers=headers)
    if "gzip" in accepted(request.headers.get("accept-encoding", "")):
        content = gzip.compress(content, 6, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type=_MEDIA_TYPE, headers=headers)


def _parts_of(tags: str) -> dict[str, str]:
    """Digests of packs by their tags, as an If-None-Match header names them."""
    return dict(_ETAG.findall(tags))
