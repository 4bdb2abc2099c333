"""Whether the process lives and the installation works: words for anybody, figures for the administrator."""

from typing import Any

from fastapi import APIRouter, Response

from api.answers import Json
from api.deps import AppParts, OneTransaction, Parts
from api.models import Model, problems
from gridmgmt.domain.permissions import Permission, permissions_of
from gridmgmt.errors import NotAllowed
from gridmgmt.services import health
from gridmgmt.settings import Environment

router = APIRouter(tags=["health"])
details = APIRouter(tags=["health"])


class HealthOut(Model):
    """Every check with what was seen."""

    status: str
    checks: list[dict[str, Any]]


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not ready"}})
def readyz(parts: AppParts) -> Response:
    """Each part in a word. 503 only where nothing can be served; what is late or old is ``degraded``."""
    told = _look(parts)
    return Json(told.told_to_anybody(), status_code=503 if told.status == "not_ready" else 200)


@details.get("/health", response_model=HealthOut, responses=problems())
def health_in_detail(work: OneTransaction) -> Response:
    """The same with figures, for the system administrator."""
    with work.begin(read_only=True) as w:
        if Permission.HEALTH_READ not in permissions_of(w.actor):
            raise NotAllowed(
                "This is for the system administrator.", article="41", rule="R41c", in_scope=True
            )
    return Json(_look(work.parts).told_to_an_administrator())


def _look(parts: Parts) -> health.Health:
    settings = parts.settings
    production = settings.environment is Environment.PRODUCTION
    limits = health.limits(settings.backup_within_h, production=production)
    places = health.places(settings.home, settings.photo_dir)
    told, _ = health.look_around(parts.engine, parts.clock(), limits, places)
    return told
