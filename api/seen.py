"""What is told of each answered request: a count under its route, and a log line where that is wanted."""

import structlog
from starlette.types import Scope

from gridmgmt.observe import metrics

log = structlog.get_logger(__name__)

_API = "/api/v1"
_METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}


def template_of(scope: Scope) -> str:
    """The route that served a request, never its path: paths hold ids, and there are endlessly many."""
    template = scope["state"].get("route") or getattr(scope.get("route"), "path", None)
    if template is None:
        return "/assets" if scope["path"].startswith("/assets/") else "unmatched"
    versioned = scope["path"].startswith(_API) and not template.startswith(_API)
    return f"{_API}{template}" if versioned else str(template)


def note(scope: Scope, status: int, seconds: float, *, log_it: bool) -> None:
    """Count an answer, and say so where wanted or where the fault is ours; status 0: the sender went away."""
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    route = template_of(scope)
    metrics.request_answered(method, route, status, seconds)
    if log_it or status >= 500:
        log.info(
            "request",
            method=method,
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 1),
            request_id=scope["state"]["request_id"],
            actor_id=scope["state"].get("actor_id"),
        )
