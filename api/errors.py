"""The one table that turns errors into HTTP, and the problem+json renderer (RFC 9457).

Outside the actor's scope a refusal is rendered as "not found": whether a thing exists elsewhere is
not said. What is not a :class:`~gridmgmt.errors.GridError` passes through to ``api/guard.py``, which answers
500 with a request id and not a word of its insides.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.answers import Json
from api.deps import record_at_the_door
from gridmgmt import errors
from gridmgmt.domain.personal import short_text, without_numbers
from gridmgmt.errors import GridError
from gridmgmt.observe import metrics

STATUS_OF: Mapping[type[GridError], int] = {
    errors.GridError: 500,
    errors.InvalidInput: 422,
    errors.InvalidCode: 422,
    errors.InvalidGeometry: 422,
    errors.WrongCrs: 422,
    errors.MissingFact: 422,
    errors.OutsideArea: 422,
    errors.UnknownCategory: 422,
    errors.ImplausibleTime: 422,
    errors.UnacceptablePhoto: 422,
    errors.WeakPassword: 422,
    errors.TooLarge: 413,
    errors.TooManyUploads: 429,
    errors.UploadBusy: 423,
    errors.WrongTusVersion: 412,
    errors.ChecksumDiffers: 460,
    errors.UnsupportedMediaType: 415,
    errors.NotSignedIn: 401,
    errors.SignInRefused: 401,
    errors.SenderDiffers: 401,
    errors.NotAllowed: 403,
    errors.DutiesNotSeparated: 403,
    errors.StepUpNeeded: 403,
    errors.BeyondPurpose: 403,
    errors.OwnRequest: 403,
    errors.QuotaSpent: 403,
    errors.NotFound: 404,
    errors.LinkNotValid: 404,
    errors.Conflict: 409,
    errors.IllegalAction: 409,
    errors.NotReady: 409,
    errors.OffDutyList: 409,
    errors.StaleVersion: 409,
    errors.ContentDiffers: 409,
    errors.OffsetDiffers: 409,
    errors.UnderLegalHold: 409,
    errors.PlanNotInForce: 409,
    errors.PlanNotAdoptable: 409,
    errors.AdministratorsApart: 409,
    errors.TooManyAttempts: 429,
    errors.AuditLogDiffers: 409,
    errors.EvidenceDamaged: 410,
    errors.StoreFull: 507,
    errors.Infeasible: 422,
    errors.Erased: 410,
    errors.Unreadable: 500,
    errors.SealBroken: 500,
    errors.UnknownKey: 500,
    errors.NotPrepared: 503,
    errors.Unavailable: 503,
}

MEDIA_TYPE = "application/problem+json"


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    article: str | None = None,
    rule: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Json:
    """A problem document; ``code`` is what clients key on, ``article`` the regulation's."""
    body = {
        "type": f"/problems/{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": short_text(detail),
        "article": article,
        "rule": rule,
        # A refusal quotes what was sent; a number in it is short here as well.
        "facts": without_numbers(dict(facts or {})),
        "request_id": getattr(request.state, "request_id", None),
    }
    metrics.refused(code)
    headers = {}
    if facts and "retry_after_s" in facts:
        headers["Retry-After"] = str(facts["retry_after_s"])
    try:
        return Json(body, status_code=status, headers=headers, media_type=MEDIA_TYPE)
    except TypeError:
        # A fact quotes what the sender gave, and that has no form in JSON.
        return Json(body | {"facts": {}}, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def refused(request: Request, exc: GridError) -> Json:
    """The answer to a refusal."""
    if isinstance(exc, errors.NotAllowed) and exc.facts.get("in_scope") is False:
        exc = errors.NotFound("No such thing in your scope.")
    return problem(
        request,
        STATUS_OF[type(exc)],
        exc.code,
        exc.message,
        article=exc.article,
        rule=exc.rule,
        facts=exc.facts,
    )


def _invalid_request(request: Request, exc: RequestValidationError) -> Json:
    refusal = errors.InvalidInput("The request does not fit its description.", article="41", rule="R41c")
    route = getattr(request.scope.get("route"), "path", request.url.path)
    record_at_the_door(request, refusal, f"{request.method} {route}")
    faults = [
        {"where": [str(part) for part in fault["loc"]], "message": fault["msg"], "kind": fault["type"]}
        for fault in exc.errors()[:20]
    ]
    return problem(
        request, 422, "invalid_input", "The request does not fit its description.", facts={"errors": faults}
    )


_HTTP_CODES = {
    400: "invalid_input",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


def _http_error(request: Request, exc: HTTPException) -> Json:
    # FastAPI answers 400 to JSON that it cannot take in at all; here every unreadable request is 422.
    status = 422 if exc.status_code == 400 else exc.status_code
    code = _HTTP_CODES.get(exc.status_code, "http_error")
    answer = problem(request, status, code, str(exc.detail))
    # Such as Allow, which says what would be.
    answer.headers.update(exc.headers or {})
    return answer


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(GridError, refused)  # type: ignore[arg-type]  # called for this class only
    app.add_exception_handler(RequestValidationError, _invalid_request)  # type: ignore[arg-type]  # called for this class only
    app.add_exception_handler(HTTPException, _http_error)  # type: ignore[arg-type]  # called for this class only
