"""Server-sent events for the live pages (WHATWG HTML §9.2); ``Last-Event-ID`` resumes."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from api.deps import OneTransaction, Work
from api.models import problems
from api.stream import Hub, Subscription, is_for
from gridmgmt.services import reading
from gridmgmt.storage.outbox import OutboxRow

router = APIRouter(tags=["centre"])

_PAGE = 500
_LONGEST_ID = 18  # digits that surely fit into 64 bits


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **problems(429)},
)
async def stream(
    request: Request,
    work: OneTransaction,
    last_event_id: Annotated[str | None, Header(max_length=1000)] = None,
) -> StreamingResponse:
    """Events of the actor's subdistricts as they are delivered."""
    hub: Hub = request.app.state.hub
    scope, person_id, newest = await run_in_threadpool(_beginning, work)
    subscription = await hub.subscribe(scope, person_id)
    return StreamingResponse(
        _lines(hub, subscription, work, min(_number(last_event_id, newest), newest)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _number(last_event_id: str | None, newest: int) -> int:
    """The event to go on after: the newest one, unless the browser names another."""
    given = last_event_id or ""
    return int(given) if given.isascii() and given.isdigit() and len(given) <= _LONGEST_ID else newest


# Short transactions of their own: nothing holds a connection for the life of a stream.


def _beginning(work: Work) -> tuple[frozenset[str], UUID, int]:
    with work.begin(read_only=True) as w:
        scope, person_id = w.actor.subdistricts, w.actor.id
        newest = reading.newest_event(w.db, w.actor)
    return scope, person_id, newest


def _missed(work: Work, after: int) -> list[OutboxRow]:
    missed: list[OutboxRow] = []
    with work.begin(read_only=True) as w:
        missed += reading.events_after(w.db, w.actor, after, limit=_PAGE)
    return missed


async def _lines(hub: Hub, subscription: Subscription, work: Work, last: int) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 2000\n\n"
        more = True
        while more:
            page = await run_in_threadpool(_missed, work, last)
            for row in page:
                last = row.delivery_no
                if is_for(row, subscription.person_id):
                    yield _event(row)
            more = len(page) == _PAGE
        async for new in hub.rows(subscription):
            if new is None:
                yield b": still here\n\n"
            elif new.delivery_no > last:
                yield _event(new)
        # An end that was meant: the page comes back by itself and goes on after the last number it saw.
        yield b"event: end\ndata: {}\n\n"
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
        },
        option=orjson.OPT_UTC_Z,
    )
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (row.delivery_no, row.kind.encode(), data)
