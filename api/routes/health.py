"""Is the process alive, and is it ready to work? Outside ``/api``, without a session."""

from typing import Any

from fastapi import APIRouter, Response

from api.answers import Json
from api.deps import AppParts
from gridmgmt.errors import Unavailable
from gridmgmt.services import health

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not ready"}})
def readyz(parts: AppParts) -> Response:
    """Database reachable, schema of this version, how many plans are in force."""
    try:
        state: dict[str, Any] = health.readiness(parts.engine, parts.clock())
    except Unavailable:
        state = {"status": "not_ready", "database": "unreachable"}
    return Json(state, status_code=200 if state["status"] == "ready" else 503)
