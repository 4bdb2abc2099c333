"""Server-sent events for the live pages (WHATWG HTML §9.2); ``Last-Event-ID`` resumes."""

from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from api.deps import OneTransaction, Work
from api.models import problems
from api.stream import Hub, Subscription
from gridmgmt.storage import outbox
from gridmgmt.storage.outbox import OutboxRow

router = APIRouter(tags=["centre"])


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **problems()},
)
async def stream(
    request: Request, work: OneTransaction, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """Events of the actor's subdistricts as they are delivered."""
    hub: Hub = request.app.state.hub
    resume_from = int(last_event_id) if last_event_id and last_event_id.isdigit() else None
    scope, missed = await run_in_threadpool(_catch_up, work, resume_from)
    subscription = hub.subscribe(scope)
    return StreamingResponse(
        _lines(hub, subscription, missed),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _catch_up(work: Work, resume_from: int | None) -> tuple[frozenset[str], list[OutboxRow]]:
    # A short transaction of its own: nothing holds a connection for the life of a stream.
    with work.begin(read_only=True) as w:
        scope = w.actor.subdistricts
        missed = [] if resume_from is None else outbox.delivered_after(w.db, resume_from, scope)
    return scope, missed


async def _lines(hub: Hub, subscription: Subscription, missed: list[OutboxRow]) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 2000\n\n"
        for row in missed:
            yield _event(row)
        last = missed[-1].delivery_no if missed else 0
        async for new in hub.rows(subscription):
            if new is None:
                yield b": still here\n\n"
            elif new.delivery_no > last:
                yield _event(new)
    finally:
        hub.unsubscribe(subscription)


def _event(row: OutboxRow) -> bytes:
    data = orjson.dumps(
        {
            "kind": row.kind,
            "at": row.at,
            "case_id": row.case_id,
            "number": row.facts.get("number"),
            "state": row.facts.get("state"),
            "cell_code": row.facts.get("cell_code"),
            "unit_code": row.facts.get("unit_code"),
        }
    )
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (row.delivery_no, row.kind.encode(), data)
