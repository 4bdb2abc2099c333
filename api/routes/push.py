"""Push 推送: whether phones can be woken here, and this browser's wish to be."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.answers import Json
from api.deps import AppParts, OneTransaction
from api.models import Model, Sha256, problems
from gridmgmt.adapters.webpush import read_keys, require_service
from gridmgmt.errors import NotFound
from gridmgmt.services import pushing
from gridmgmt.storage.push import Subscription

router = APIRouter(tags=["inbox"])

Key = Annotated[str, Field(max_length=120)]


class Push(Model):
    """``key`` is what a browser subscribes with; null: this installation wakes nobody."""

    key: str | None


class PushKeys(Model):
    """The browser's own keys, in URL-safe base64."""

    p256dh: Key
    auth: Key


class PushIn(Model):
    """A browser's subscription as ``PushSubscription.toJSON`` gives it, and the language of its person."""

    endpoint: Annotated[str, Field(max_length=1024)]
    keys: PushKeys
    language: Literal["zh-CN", "en"] = "zh-CN"


@router.get("/push", response_model=Push, responses=problems())
def push(work: OneTransaction, parts: AppParts) -> Response:
    """The public key of this installation, where it has one."""
    with work.begin(read_only=True):
        key = parts.settings.push_public_key
    return Json({"key": key})


@router.put("/push/subscription", status_code=204, responses=problems(404))
def subscribe(body: PushIn, work: OneTransaction, parts: AppParts) -> Response:
    """Have this browser woken until its session ends; it is told that something waits, and nothing else."""
    with work.begin() as w:
        if parts.settings.push_public_key is None:
            raise NotFound("This installation wakes no phones.", kind="push")
        endpoint = require_service(body.endpoint, parts.settings.push_hosts)
        given = Subscription(endpoint, *read_keys(body.keys.p256dh, body.keys.auth), body.language)
        pushing.subscribe(w.db, w.actor, w.now, w.session.session_id, given)
    return Response(status_code=204)


@router.delete("/push/subscription", status_code=204, responses=problems())
def unsubscribe(endpoint_sha256: Annotated[Sha256, Query()], work: OneTransaction) -> Response:
    """Leave a browser of one's own in peace; nothing happens where it was."""
    with work.begin() as w:
        pushing.unsubscribe(w.db, w.actor, w.now, bytes.fromhex(endpoint_sha256))
    return Response(status_code=204)
