"""The composition root: settings in, application out. Nothing here has state at import time."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from starlette.middleware import Middleware
from starlette.types import Scope

import gridmgmt
from api import errors, models
from api.deps import Parts, record_at_the_door
from api.door import ReportDoor
from api.entry import Entry
from api.guard import Guard
from api.packed import PackedFiles, packed
from api.refusals import RefusalBudget
from api.routes import (
    account,
    audit,
    basemap,
    calls,
    cases,
    centre,
    deputies,
    exports,
    grids,
    health,
    inbox,
    ledger,
    originals,
    oversight,
    packs,
    patrols,
    peers,
    people,
    personal,
    photos,
    plans,
    push,
    reports,
    roster,
    rules,
    sessions,
    sightings,
    sign_in,
    stream,
    uploads,
)
from api.stream import Hub
from gridmgmt.adapters.evidence.room import EvidenceRoom, open_room
from gridmgmt.adapters.keyring import KeyRing, open_key_ring
from gridmgmt.adapters.passwords import Passwords
from gridmgmt.adapters.sealedfiles import SealedFiles
from gridmgmt.errors import GridError, NotFound
from gridmgmt.observe import logs, metrics
from gridmgmt.services import exporting
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.settings import Environment, Settings
from gridmgmt.storage import outbox
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import Acting

# More threads than connections would only wait for each other.
_POOL = 16
_THREADS = 20
_SAMPLE_EVERY_S = 5.0


def server_clock() -> datetime:
    """The only clock of the API."""
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    *,
    evidence_room: EvidenceRoom | None = None,
    key_ring: KeyRing | None = None,
    passwords: Passwords | None = None,
    clock: Callable[[], datetime] = server_clock,
) -> FastAPI:
    """The application.

    Parameters
    ----------
    settings : with a database URL; the caller has brought the database up.
    evidence_room : another than the one that the settings describe.
    key_ring : other keys than those that the settings name.
    passwords : another hashing of passwords than argon2 at its recommended cost.
    clock : the time of every request, aware UTC; tests give a fixed one.
    """
    keys = key_ring or open_key_ring(settings.key_file_in_use, settings.key_dir, make=settings.makes_its_keys)
    parts = Parts(
        settings=settings,
        engine=make_engine(settings.require_database_url(), pool_size=_POOL, application="gridmgmt-api"),
        rulebooks=RuleBooks(),
        evidence=evidence_room
        or open_room(
            settings.photo_dir,
            settings.incoming_dir,
            keys,
            limit_bytes=settings.max_photo_bytes,
            data_dir=settings.data_dir,
            s3=settings.s3_place,
        ),
        keys=keys,
        export_files=SealedFiles(settings.export_dir, keys, exporting.FILES),
        clock=clock,
        passwords=passwords or Passwords(),
        refusals=RefusalBudget(),
        basemap=settings.open_basemap(settings.home),
    )
    door = ReportDoor(parts)
    app = FastAPI(
        title="gridmgmt",
        version=gridmgmt.__version__,
        summary="街道网格化管理: reports, cases and grid plans of a subdistrict",
        openapi_url="/api/v1/openapi.json",
        redirect_slashes=False,  # a redirect would be built from the Host header, which is the sender's
        docs_url=None,
        redoc_url=None,
        # An intranet server tells nobody outside how it is used; it also costs time on every request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_lifespan,
        middleware=[_guard(settings, door)],
    )
    app.state.parts, app.state.hub, app.state.door = parts, _hub(parts), door
    errors.install(app)
    _include_routes(app)
    _describe_problem(app)
    _serve_pages(app, settings.web_dir)
    return app


def _include_routes(app: FastAPI) -> None:
    v1 = APIRouter(prefix="/api/v1")
    for module in (
        audit, sign_in, sessions, account, people, peers, reports, photos, originals, ledger, uploads, cases,
        calls, oversight, sightings, deputies, roster, rules, personal, exports, grids, basemap, packs,
        plans, patrols, centre, stream, inbox, push,
    ):  # fmt: skip
        v1.include_router(module.router)
    v1.include_router(health.details)
    app.include_router(v1)
    app.include_router(health.router)


def _guard(settings: Settings, door: ReportDoor) -> Middleware:
    logged = settings.log_requests
    return Middleware(
        Guard,
        max_body_bytes=settings.max_body_bytes,
        max_photo_bytes=settings.max_photo_bytes,
        entry=Entry(settings.session_cookie, settings.cookies_are_secure),
        on_refusal=_record_refusal,
        doors={("POST", "/api/v1/reports"): door},
        log_requests=settings.environment is Environment.PRODUCTION if logged is None else logged,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
    _end_streams_on_signals(app.state.hub)
    sampling = asyncio.create_task(_sample(app))
    yield
    sampling.cancel()
    await app.state.hub.close()
    app.state.door.close()
    app.state.parts.evidence.close()
    if app.state.parts.basemap is not None:
        app.state.parts.basemap.close()
    app.state.parts.engine.dispose()


async def _record_refusal(scope: Scope, refusal: GridError) -> None:
    """Have a refusal of the guard audited; before it is answered, as everywhere."""
    await run_in_threadpool(record_at_the_door, Request(scope), refusal, f"{scope['method']} (guard)")


def _end_streams_on_signals(hub: Hub) -> None:
    """An event stream never ends by itself: at a signal to stop it must, or the server would wait for it."""
    if threading.current_thread() is not threading.main_thread():
        return  # served in a thread, as tests do: signals go elsewhere
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def stop(signum: int, frame: FrameType | None, before: Any = before) -> None:
            loop.call_soon_threadsafe(hub.end)
            if callable(before):
                before(signum, frame)

        signal.signal(number, stop)


async def _sample(app: FastAPI) -> None:
    """Tell now and then how many connections and streams there are."""
    while True:
        pool = app.state.parts.engine.pool
        metrics.pool_is(in_use=pool.checkedout(), idle=pool.checkedin())
        metrics.streams_are(app.state.hub.streams)
        await asyncio.sleep(_SAMPLE_EVERY_S)


def _hub(parts: Parts) -> Hub:
    def fetch(after: int) -> list[outbox.OutboxRow]:
        with transaction(parts.engine, Acting.lookout(), read_only=True) as db:
            return outbox.delivered_after(db, after, None)

    def newest() -> int:
        with transaction(parts.engine, Acting.lookout(), read_only=True) as db:
            return outbox.last_delivery(db)

    return Hub(fetch, newest)


def _describe_problem(app: FastAPI) -> None:
    """Add the Problem schema once; every refusal refers to it."""
    plain = app.openapi

    def described() -> dict[str, object]:
        document = plain()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = models.Problem.model_json_schema()
        return document

    app.openapi = described  # type: ignore[method-assign]


def _serve_pages(app: FastAPI, web_dir: Path) -> None:
    def page(name: str, request: Request) -> FileResponse:
        path = web_dir / name
        if not path.is_file():
            raise NotFound("The pages are not built; run make web.", kind="page")
        return packed(path, request.headers.get("accept-encoding", ""), {"Cache-Control": "no-cache"})

    @app.get("/", include_in_schema=False)
    def centre_page(request: Request) -> FileResponse:
        return page("centre.html", request)

    @app.get("/field", include_in_schema=False)
    def field_page(request: Request) -> FileResponse:
        return page("field.html", request)

    # Beside the page and never kept: a phone looks here for a newer version of all that it has kept.
    @app.get("/field-sw.js", include_in_schema=False)
    def field_service_worker(request: Request) -> FileResponse:
        return page("field-sw.js", request)

    @app.get("/field.webmanifest", include_in_schema=False)
    def field_manifest(request: Request) -> FileResponse:
        return page("field.webmanifest", request)

    @app.get("/account", include_in_schema=False)
    def account_page(request: Request) -> FileResponse:
        return page("account.html", request)

    if (web_dir / "assets").is_dir():
        app.mount("/assets", PackedFiles(directory=web_dir / "assets"), name="assets")


def create_app_from_environment() -> FastAPI:
    """What uvicorn calls in each process: settings from the environment, nothing else."""
    settings = Settings()
    # Each server process is a new interpreter, which knows nothing of how its parent logs.
    logs.configure(
        settings.log_level, as_json=settings.environment is not Environment.DEVELOPMENT, process="api"
    )
    return create_app(settings)
