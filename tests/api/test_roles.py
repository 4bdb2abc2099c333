"""Every role asks every endpoint: the answers are written down here, not computed.

A letter for each role in the order of ``ROLES``, a status for each letter in ``STATUS``. The last column is
somebody without a session. What a role may do to a case in each state is tested in the domain; here it is
the door that counts.
"""

import base64
import shutil
import uuid
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from api.deps import token_hash
from gridmgmt.domain.org import SYSTEM_ACTOR_ID
from gridmgmt.domain.report import content_digest
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.adapters.test_assertions import KEYS, pem
from tests.api.calling import acted, call_body, issued
from tests.api.client import Person, Server, make_photo
from tests.api.patrolling import patrol_request
from tests.api.planning import draft, plan_request
from tests.builders_audit import seal_everything
from tests.builders_cases import STREET
from tests.builders_push import Browser
from tests.builders_street import SORTING

ROLES = {
    "grid_worker": "demo-worker-001",
    "acceptor": "demo-acceptor",
    "shift_leader": "demo-shift",
    "dispatcher": "demo-dispatcher",
    "handler": "demo-unit-hzd-01",
    "supervisor": "demo-supervisor",
    "director": "demo-director",
    "district_officer": "demo-district",
    "planner": "demo-planner",
    "administrator": "demo-admin",
    "security_administrator": "demo-security",
    "auditor": "demo-auditor",
}
EMPTY_ROSTER = content_digest({"shifts": [], "leaves": []})
BESIDE = ("/joint-calls", "/orders", "/feedback", "/follow-ups", "/sightings")
STATUS = {"y": 200, "a": 202, "c": 201, "d": 204, "s": 401, "n": 403, "f": 404, "m": 409, "u": 422}

# Roles from left to right:          gw ac sh di ha su dr do pl ad se au  nobody
MATRIX = {
    "GET /livez":                    "y  y  y  y  y  y  y  y  y  y  y  y   y",
    "GET /readyz":                   "y  y  y  y  y  y  y  y  y  y  y  y   y",
    "GET /api/v1/health":            "n  n  n  n  n  n  n  n  n  y  n  n   s",
    "GET /":                         "y  y  y  y  y  y  y  y  y  y  y  y   y",
    "GET /field":                    "y  y  y  y  y  y  y  y  y  y  y  y   y",
    "GET /field-sw.js":              "y  y  y  y  y  y  y  y  y  y  y  y   y",
    "GET /field.webmanifest":        "y  y  y  y  y  y  y  y  y  y  y  y   y",
    "GET /api/v1/openapi.json":      "y  y  y  y  y  y  y  y  y  y  y  y   y",
    "GET /api/v1/demo":              "y  y  y  y  y  y  y  y  y  y  y  y   y",
    "POST /api/v1/demo/sign-in":     "y  y  y  y  y  y  y  y  y  y  y  y   y",
    "GET /api/v1/me":                "y  y  y  y  y  y  y  y  y  y  y  y   s",
    "GET /api/v1/categories":        "y  y  y  y  y  y  y  y  y  y  y  y   s",
    "GET /api/v1/plans":             "y  y  y  y  y  y  y  y  y  n  n  n   s",
    # Drafts are drawn by planners; moved here: the withdrawal of a draft.
    "POST /api/v1/plans":            "n  n  n  n  n  n  n  n  c  n  n  n   s",
    "GET /api/v1/plans/{plan_id}":   "y  y  y  y  y  y  y  y  y  n  n  n   s",
    "POST /api/v1/plans/{plan_id}/actions":
                                     "n  n  n  n  n  n  n  n  y  n  n  n   s",
    "GET /api/v1/what-if/{plan_id}": "n  n  n  n  n  n  y  y  y  n  n  n   s",
    # A change of the boundary that is not approved yet: whoever may enter one is told what is missing.
    "GET /api/v1/boundary-changes":  "y  y  y  y  y  y  y  y  y  n  n  n   s",
    "POST /api/v1/boundary-changes": "n  n  n  n  n  n  n  u  n  n  n  n   s",
    "GET /api/v1/cells":             "y  y  y  y  y  y  y  y  y  n  n  n   s",
    "GET /api/v1/cells/at":          "y  y  y  y  y  y  y  y  y  n  n  n   s",
    "GET /api/v1/extent":            "y  y  y  y  y  y  y  y  y  n  n  n   s",
    "GET /api/v1/tiles/{layer}/{z}/{x}/{y}.mvt":
                                     "y  y  y  y  y  y  y  y  y  n  n  n   s",
    # A grid worker's own grid is no pack of anybody else's; no base map is set up here.
    "GET /api/v1/packs":             "y  y  y  y  y  y  y  y  y  n  n  n   s",
    "GET /api/v1/packs/{cell_code}": "y  f  f  f  f  f  f  f  f  n  n  n   s",
    "GET /api/v1/basemap/{layer}/{z}/{x}/{y}":
                                     "f  f  f  f  f  f  f  f  f  n  n  n   s",
    "GET /api/v1/board":             "y  y  y  y  y  y  y  y  y  n  n  n   s",
    "GET /api/v1/heat":              "y  y  y  y  y  y  y  y  y  n  n  n   s",
    "GET /api/v1/stream":            "y  y  y  y  y  y  y  y  y  n  n  n   s",
    "GET /api/v1/cases":             "y  y  y  y  y  y  y  y  n  n  n  n   s",
    "GET /api/v1/cases.geojson":     "y  y  y  y  y  y  y  y  n  n  n  n   s",
    "GET /api/v1/cases/{case_id}":   "y  y  y  y  y  y  y  y  n  n  n  n   s",
    "GET /api/v1/reports/{report_id}":
                                     "y  y  y  y  y  y  y  y  n  n  n  n   s",
    "GET /api/v1/photos/{sha256}":   "y  y  y  y  y  y  y  y  n  n  n  n   s",
    "PUT /api/v1/photos/{sha256}":   "c  c  n  n  c  n  n  n  n  n  n  n   s",
    "GET /api/v1/photos":            "y  y  y  y  y  y  y  y  n  n  n  n   s",
    "POST /api/v1/photos/{sha256}/original":
                                     "n  n  n  n  n  n  c  n  n  n  n  c   s",
    # Without a good link: not found for whoever may ask for one.
    "GET /api/v1/photos/{sha256}/original":
                                     "n  n  n  n  n  n  f  n  n  n  n  f   s",
    "PUT /api/v1/reports/{report_id}/photos":
                                     "y  y  n  n  n  n  n  n  n  n  n  n   s",
    "GET /api/v1/reports/{report_id}/photos":
                                     "y  y  y  y  y  y  y  y  n  n  n  n   s",
    "OPTIONS /api/v1/uploads":       "d  d  d  d  d  d  d  d  d  d  d  d   d",
    "POST /api/v1/uploads":          "c  c  n  n  c  n  n  n  n  n  n  n   s",
    # An upload is its owner's: nobody else is told that it exists.
    "HEAD /api/v1/uploads/{upload_id}":
                                     "y  f  f  f  f  f  f  f  f  f  f  f   s",
    "PATCH /api/v1/uploads/{upload_id}":
                                     "d  f  f  f  f  f  f  f  f  f  f  f   s",
    "DELETE /api/v1/uploads/{upload_id}":
                                     "d  f  f  f  f  f  f  f  f  f  f  f   s",
    "POST /api/v1/reports":          "c  c  n  n  n  n  n  n  n  n  n  n   s",
    "POST /api/v1/reports/likely":   "y  y  n  n  n  n  n  n  n  n  n  n   s",
    # Dispatching a filed case.
    "POST /api/v1/cases/{case_id}/actions":
                                     "n  n  n  y  n  n  n  n  n  n  n  n   s",
    # Asking to void a filed case, and refusing that.
    "POST /api/v1/cases/{case_id}/requests":
                                     "n  n  n  c  n  n  n  n  n  n  n  n   s",
    "POST /api/v1/requests/{request_id}/decision":
                                     "n  n  y  n  n  n  y  n  n  n  n  n   s",
    # Beside a case: a call to the handler's unit, which he signs in to; a pack of a refusal; orders; telling.
    "GET /api/v1/joint-calls":       "y  y  y  y  y  y  y  y  n  n  n  n   s",
    "GET /api/v1/joint-calls/{call_id}":
                                     "y  y  y  y  y  y  y  y  n  n  n  n   s",
    "POST /api/v1/cases/{case_id}/joint-calls":
                                     "n  n  n  c  n  n  c  n  n  n  n  n   s",
    "POST /api/v1/joint-calls/{call_id}/tasks/{task_id}/actions":
                                     "n  n  n  n  y  n  n  n  n  n  n  n   s",
    "GET /api/v1/joint-calls/{call_id}/tasks/{task_id}/pack":
                                     "n  n  y  y  n  y  y  y  n  n  n  n   s",
    "GET /api/v1/orders":            "y  y  y  y  y  y  y  y  n  n  n  n   s",
    "POST /api/v1/cases/{case_id}/orders":
                                     "n  n  n  n  n  c  c  c  n  n  n  n   s",
    "POST /api/v1/orders/{order_id}/reply":
                                     "n  n  n  n  y  n  n  n  n  n  n  n   s",
    "POST /api/v1/cases/{case_id}/feedback":
                                     "n  c  c  n  n  n  n  n  n  n  n  n   s",
    # The case is open: whoever may open one that follows it is told to go on with it.
    "POST /api/v1/cases/{case_id}/follow-ups":
                                     "n  m  n  n  n  n  n  n  n  n  n  n   s",
    "POST /api/v1/cases/{case_id}/sightings":
                                     "c  c  n  n  n  n  n  n  n  n  n  n   s",
    "GET /api/v1/deputies":          "y  y  y  y  y  y  y  y  y  n  n  n   s",
    "POST /api/v1/deputies":         "n  n  n  n  n  n  c  n  n  n  n  n   s",
    "POST /api/v1/deputies/{deputyship_id}/end":
                                     "n  n  n  n  n  n  y  n  n  n  n  n   s",
    # Nobody's roster is asked for by others than who plans it.
    "GET /api/v1/roster":            "n  n  n  n  n  n  y  n  y  n  n  n   s",
    "PUT /api/v1/roster":            "n  n  n  n  n  n  y  n  y  n  n  n   s",
    # Everybody has an inbox of his own; of what is another's nobody is told that it exists.
    "GET /api/v1/cases/{case_id}/ladder":
                                     "y  y  y  y  y  y  y  y  n  n  n  n   s",
    "GET /api/v1/inbox":             "y  y  y  y  y  y  y  y  y  y  y  y   s",
    "POST /api/v1/inbox/read":       "y  y  y  y  y  y  y  y  y  y  y  y   s",
    "POST /api/v1/inbox/{notification_id}/acknowledge":
                                     "f  f  f  f  f  f  f  f  f  f  f  f   s",
    # Nobody is woken here: the installation has no key. A browser of one's own is left in peace.
    "GET /api/v1/push":              "y  y  y  y  y  y  y  y  y  y  y  y   s",
    "PUT /api/v1/push/subscription": "f  f  f  f  f  f  f  f  f  f  f  f   s",
    "DELETE /api/v1/push/subscription":
                                     "d  d  d  d  d  d  d  d  d  d  d  d   s",
    # Exports of what is not personal; answering one that waits; taking away one that is not there yet.
    "GET /api/v1/exports":           "n  n  y  y  y  y  y  y  n  n  n  n   s",
    "POST /api/v1/exports":          "n  n  a  a  a  a  a  a  n  n  n  n   s",
    "POST /api/v1/exports/{export_id}/decision":
                                     "n  n  n  n  n  n  y  y  n  n  n  n   s",
    "POST /api/v1/exports/{export_id}/file":
                                     "n  n  m  n  n  n  n  n  n  n  n  n   s",
    # A resident's report: looking into it in full, finding its number, erasing, holding.
    "POST /api/v1/cases/{case_id}/reveal":
                                     "y  y  y  y  n  n  y  n  n  n  n  n   s",
    "POST /api/v1/contacts/cases":   "n  y  y  n  n  n  n  n  n  n  n  n   s",
    "POST /api/v1/cases/{case_id}/erasure":
                                     "n  n  n  n  n  n  m  n  n  n  n  n   s",
    "POST /api/v1/cases/{case_id}/holds":
                                     "n  n  n  n  n  n  c  c  n  n  n  n   s",
    "POST /api/v1/holds/{hold_id}/end":
                                     "n  n  n  n  n  n  d  d  n  n  n  n   s",
    "GET /api/v1/holds":             "n  n  n  n  n  n  y  y  n  n  n  n   s",
    # A draft of routing rules tried on the past; the queue of what no rule takes.
    "POST /api/v1/rules/dry-run":    "n  n  n  n  n  n  n  n  n  y  n  n   s",
    "GET /api/v1/queues/unrouted":   "y  y  y  y  y  y  y  y  n  n  n  n   s",
    # Patrols: a grid worker's own shift; coverage for whoever leads; a plan for planners.
    "GET /api/v1/patrol-plans":      "y  y  y  y  y  y  y  y  y  n  n  n   s",
    "PUT /api/v1/patrol-plans/{cell_code}":
                                     "n  n  n  n  n  n  n  n  y  n  n  n   s",
    "GET /api/v1/patrols/today":     "y  n  n  n  n  n  n  n  n  n  n  n   s",
    "GET /api/v1/patrols":           "y  n  y  y  n  y  y  n  n  n  n  n   s",
    "GET /api/v1/patrols/coverage.geojson":
                                     "y  n  y  y  n  y  y  n  n  n  n  n   s",
    "GET /api/v1/patrols/coverage":  "y  n  y  y  n  y  y  n  n  n  n  n   s",
    "POST /api/v1/patrols":          "c  n  n  n  n  n  n  n  n  n  n  n   s",
    "POST /api/v1/patrols/{shift_id}/track":
                                     "y  n  n  n  n  n  n  n  n  n  n  n   s",
    "GET /api/v1/patrols/{shift_id}/track":
                                     "y  n  n  n  n  n  n  n  n  n  n  n   s",
    "POST /api/v1/patrols/{shift_id}/track/reveal":
                                     "n  n  n  n  n  n  y  n  n  n  n  n   s",
    "POST /api/v1/patrols/{shift_id}/notes":
                                     "c  n  n  n  n  n  n  n  n  n  n  n   s",
    "POST /api/v1/patrols/{shift_id}/end":
                                     "y  n  n  n  n  n  n  n  n  n  n  n   s",
    # Identity: what needs the second factor is asked by people who have just shown theirs.
    "GET /account":                  "y  y  y  y  y  y  y  y  y  y  y  y   y",
    "POST /api/v1/sign-in":          "s  s  s  s  s  s  s  s  s  s  s  s   s",
    "POST /api/v1/sign-in/code":     "s  s  s  s  s  s  s  s  s  s  s  s   s",
    "POST /api/v1/sign-in/password": "s  s  s  s  s  s  s  s  s  s  s  s   s",
    "POST /api/v1/set-up":           "f  f  f  f  f  f  f  f  f  f  f  f   f",
    "POST /api/v1/set-up/password":  "f  f  f  f  f  f  f  f  f  f  f  f   f",
    "POST /api/v1/set-up/code":      "s  s  s  s  s  s  s  s  s  s  s  s   s",
    "POST /api/v1/peer-sessions":    "s  s  s  s  s  s  s  s  s  s  s  s   s",
    "POST /api/v1/step-up":          "y  y  y  y  y  y  y  y  y  y  y  y   s",
    "GET /api/v1/account":           "y  y  y  y  y  y  y  y  y  y  y  y   s",
    "POST /api/v1/account/sign-out-others":
                                     "y  y  y  y  y  y  y  y  y  y  y  y   s",
    "POST /api/v1/account/recovery-codes":
                                     "f  f  f  f  f  f  f  f  f  f  f  f   s",
    "POST /api/v1/account/password": "s  s  s  s  s  s  s  s  s  s  s  s   s",
    "DELETE /api/v1/account/devices/{device_id}":
                                     "f  f  f  f  f  f  f  f  f  f  f  f   s",
    "GET /api/v1/people":            "n  n  n  n  n  n  n  n  n  y  y  n   s",
    "POST /api/v1/people":           "n  n  n  n  n  n  n  n  n  c  n  n   s",
    "PUT /api/v1/people/{person_id}/active":
                                     "n  n  n  n  n  n  n  n  n  y  n  n   s",
    "PUT /api/v1/people/{person_id}/roles":
                                     "n  n  n  n  n  n  n  n  n  n  y  n   s",
    "POST /api/v1/people/{person_id}/link":
                                     "n  n  n  n  n  n  n  n  n  n  c  n   s",
    "DELETE /api/v1/people/{person_id}/sessions":
                                     "n  n  n  n  n  n  n  n  n  n  d  n   s",
    "POST /api/v1/people/{person_id}/unlock":
                                     "n  n  n  n  n  n  n  n  n  n  d  n   s",
    "POST /api/v1/people/{person_id}/demand-change":
                                     "n  n  n  n  n  n  n  n  n  n  f  n   s",
    "GET /api/v1/people/{person_id}/devices":
                                     "n  n  n  n  n  n  n  n  n  n  y  n   s",
    "DELETE /api/v1/people/{person_id}/devices/{device_id}":
                                     "n  n  n  n  n  n  n  n  n  n  f  n   s",
    "GET /api/v1/peers":             "n  n  n  n  n  n  n  n  n  n  y  n   s",
    "POST /api/v1/peers":            "n  n  n  n  n  n  n  n  n  n  c  n   s",
    "DELETE /api/v1/peers/{peer_id}":
                                     "n  n  n  n  n  n  n  n  n  n  f  n   s",
    "GET /api/v1/audit":             "n  n  n  n  n  n  n  n  n  n  n  y   s",
    "GET /api/v1/audit/status":      "n  n  n  n  n  n  n  n  n  n  n  y   s",
    "GET /api/v1/audit/head":        "n  n  n  n  n  n  n  n  n  n  n  y   s",
    "GET /api/v1/audit/head.html":   "n  n  n  n  n  n  n  n  n  n  n  y   s",
    "DELETE /api/v1/session":        "d  d  d  d  d  d  d  d  d  d  d  d   s",
}  # fmt: skip


class Asking:
    """How each endpoint is asked, with something fresh to ask about."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.case = self.worker.report(category=SORTING)

    @cached_property
    def kept_draft(self) -> str:
        """A plan that is read and not moved."""
        return draft(self.server)

    @property
    def worker(self) -> Person:
        """The one who reports; signed in anew where somebody signed out."""
        return self.server.person("demo-worker-001")

    @property
    def dispatcher(self) -> Person:
        """The one who asks."""
        return self.server.person("demo-dispatcher")

    def ask(self, endpoint: str, person: Person | None) -> int:
        return self.answer(endpoint, person).status_code

    def answer(self, endpoint: str, person: Person | None) -> httpx.Response:
        method, path = endpoint.split(" ")
        if person:
            self._show_code(person)
        client = person.http if person else self.server.client
        path, request = self._filled(path, method)
        if person:
            # What else an endpoint asks for is tested elsewhere; here it is the role that counts.
            person.step_up()
        if path.endswith("/stream"):
            with client.stream(method, path) as answer:
                return answer
        answer = client.request(method, path, **request)
        self.server.client.cookies.clear()
        if person:
            person.http.cookies.clear()
        return answer

    def _show_code(self, person: Person) -> None:
        """As if he had just shown his second factor."""
        with transaction(self.server.engine, NOBODY) as db:
            shown = text("update app.sessions set step_up_at = :now where token_sha256 = :token")
            db.execute(shown, {"now": self.server.clock(), "token": token_hash(person.token)})

    def _filled(self, path: str, method: str) -> tuple[str, dict]:
        place = self.worker.place
        where = f"?lon={place['lon']}&lat={place['lat']}&datum=wgs84"
        if "uploads" in path or "original" in path or (path.endswith("}/photos") and method == "PUT"):
            return self._evidence(path, method)
        if any(word in path for word in ("joint-calls/", "deputies", "/orders/", "/inbox/")) or path.endswith(
            BESIDE
        ):
            return self._beside(path, method)
        aside = self._of_identity(path, method)
        if aside is None and "/patrol" in path:
            aside = patrol_request(self.server, path, method)
        if aside is None and any(part in path for part in ("/plans", "/what-if", "/boundary")):
            aside = plan_request(self.server, path, method, lambda: self.kept_draft)
        if aside is not None:
            return aside
        if method == "GET":
            path = path.replace("/cells/at", f"/cells/at{where}")
            path = path.replace("/basemap/{layer}/{z}/{x}/{y}", "/basemap/ground/10/846/391")
            path = path.replace("{layer}/{z}/{x}/{y}", "cells/10/846/391")
            path = path.replace("{cell_code}", self.worker.cells[0])
            path = path.replace("{case_id}", self.case["id"]).replace("{report_id}", self.case["id"])
            return path.replace("{sha256}", self.case["report"]["photos"][0]), {}
        if method == "DELETE":
            return path + (f"?endpoint_sha256={'0' * 64}" if "push" in path else ""), {}
        return self._written(path)

    def _written(self, path: str) -> tuple[str, dict]:
        if path.endswith("/sign-in"):
            return path, {"json": {"person_id": self.worker.id}}
        if "photos" in path:
            photo = make_photo()
            headers = {"Content-Type": "image/jpeg"}
            return path.format(sha256=photo.sha256), {"content": photo.content, "headers": headers}
        if path.endswith("/reports"):
            return path, {"json": self.worker.draft()}
        if path.endswith(("/likely", "/dry-run", "/roster", "/subscription")):
            return path, {"json": self._question(path)}
        if any(word in path for word in ("/exports", "/reveal", "/contacts", "/erasure", "/holds")):
            return self._about_persons(path)
        return self._move(path)

    def _question(self, path: str) -> dict:
        if path.endswith("/subscription"):
            return Browser().subscription("https://fcm.googleapis.com/x")
        if path.endswith("/roster"):
            return {"version": EMPTY_ROSTER, "shifts": [], "leaves": []}
        if path.endswith("/dry-run"):
            draft = {"version": "draft", "timezone": "Asia/Shanghai", "rules": []}
            return {"document": draft, "since": "2026-01-01T00:00:00Z"}
        return {k: v for k, v in self.worker.draft().items() if k in {"category", "position", "observed_at"}}

    def _evidence(self, path: str, method: str) -> tuple[str, dict]:
        if "original" in path:
            path = path.replace("{sha256}", self.case["report"]["photos"][0])
            return (path + "?link=x", {}) if method == "GET" else (path, {"json": {"reason": "复核拍摄时间"}})
        if path.endswith("}/photos"):
            coming = [{"sha256": make_photo().sha256, "media_type": "image/jpeg", "bytes": 9}]
            return path.format(report_id=uuid.uuid4()), {"json": {"photos": coming}}
        return self._upload(path, method)

    def _upload(self, path: str, method: str) -> tuple[str, dict]:
        # One person may have only so many unfinished ones.
        shutil.rmtree(self.server.app.state.parts.evidence.uploads.root, ignore_errors=True)
        headers = {"Tus-Resumable": "1.0.0"}
        photo = make_photo()
        told = ((b"sha256", photo.sha256.encode()), (b"filetype", b"image/jpeg"))
        meta = b",".join(name + b" " + base64.b64encode(value) for name, value in told).decode()
        begin = headers | {"Upload-Length": str(len(photo.content)), "Upload-Metadata": meta}
        if method in {"POST", "OPTIONS"}:
            return path, {"headers": begin}
        where = self.worker.http.post("/api/v1/uploads", headers=begin).headers["Location"]
        if method == "PATCH":
            headers |= {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
            return where, {"headers": headers, "content": photo.content}
        return where, {"headers": headers}

    def _beside(self, path: str, method: str) -> tuple[str, dict]:
        if method == "GET" and "{" not in path:
            return path, {}
        if "/inbox/" in path:
            return path.format(notification_id=uuid.uuid4()), {"json": {"until": "2026-11-23T00:00:00Z"}}
        if "deputies" in path:
            return self._deputies(path)
        case = self.worker.report()
        if "{call_id}" in path:
            return self._call(path, method, case)
        new = {"id": str(uuid.uuid4())}
        if "{order_id}" in path:
            order = self.server.person("demo-supervisor").post(
                f"/cases/{case['id']}/orders", new | {"opinion": "请抓紧"}
            )
            return path.format(order_id=order.json()["id"]), {"json": {"reply": "已安排"}}
        bodies = {
            "joint-calls": call_body(case, "HZD-01", "HZD-06"),
            "orders": new | {"opinion": "请抓紧"},
            "feedback": new | {"kind": "outcome", "reached": True, "channel": "phone", "words": "已告知"},
            "follow-ups": new | {"reason": "回访不满意"},
            "sightings": new
            | {
                "position": {**self.worker.place, "datum": "wgs84"},
                "observed_at": self.server.clock().isoformat(),
                "photos": case["report"]["photos"],
            },
        }
        return path.format(case_id=case["id"]), {"json": bodies[path.rpartition("/")[2]]}

    def _call(self, path: str, method: str, case: dict) -> tuple[str, dict]:
        call = issued(self.dispatcher, case, "HZD-01", "HZD-06")
        refused = acted(self.server.person("demo-unit-hzd-06"), call, 1, "refuse", reason="无人手").json()
        task = call["tasks"][1 if path.endswith("/pack") else 0]["id"]
        where = path.replace("{call_id}", call["id"]).replace("{task_id}", task)
        body = {"command_id": str(uuid.uuid4()), "action": "sign_in", "version": refused["version"]}
        return where, {} if method == "GET" else {"json": body}

    def _deputies(self, path: str) -> tuple[str, dict]:
        people = {p["login"]: p["id"] for p in self.server.people()}
        now = self.server.clock()
        body = {
            "id": str(uuid.uuid4()), "person_id": people["demo-unit-hzd-02"],
            "deputy_id": people["demo-unit-hzd-03"], "role": "handler", "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(days=1)).isoformat(),
        }  # fmt: skip
        if not path.endswith("/end"):
            return path, {"json": body}
        director = self.server.person("demo-director")
        self._show_code(director)
        assert director.post("/deputies", body).status_code == 201
        return path.format(deputyship_id=body["id"]), {}

    def _about_persons(self, path: str) -> tuple[str, dict]:
        shift, director = self.server.person("demo-shift"), self.server.person("demo-director").step_up()
        new, note = {"id": str(uuid.uuid4())}, "回访办理结果"
        if path.endswith("/exports"):
            return path, {"json": new | {"purpose": "statistics", "note": note, "fields": ["number"]}}
        if "/exports/" in path:
            wanted = new | {"purpose": "legal", "note": note, "fields": ["contact_name"]}
            assert shift.post("/exports", wanted).status_code == 202
            body = {"purpose": "legal"} if path.endswith("/file") else {"granted": True}
            return path.format(export_id=new["id"]), {"json": body}
        if path.endswith("/contacts/cases"):
            return path, {"json": {"phone": "13800001234"}}
        contact = {"name": "张三", "phone": "13800001234"}
        acceptor = self.server.person("demo-acceptor")
        draft = acceptor.draft(source="window", contact=contact, position=self.worker.draft()["position"])
        case_id = acceptor.post("/reports", draft).json()["case_id"]
        hold = {"document_no": "津检〔2026〕1号", "reason": "调取证据"}
        if path.endswith("/end"):
            assert director.post(f"/cases/{case_id}/holds", new | hold).status_code == 201
            return path.format(hold_id=new["id"]), {"json": {"document_no": "津检〔2026〕2号"}}
        body = {"reveal": new | {"purpose": "callback", "note": note}, "erasure": {"note": note}}
        return path.format(case_id=case_id), {"json": body.get(path.rpartition("/")[2], new | hold)}

    def _of_identity(self, path: str, method: str) -> tuple[str, dict] | None:
        nobody = "00000000-0000-7000-8000-00000000000a"
        someone = next(p["id"] for p in self.server.people() if p["login"] == "demo-worker-007")
        filled = (
            path.replace("{person_id}", someone).replace("{device_id}", nobody).replace("{peer_id}", nobody)
        )
        fresh, ticket = uuid.uuid4().hex, "x" * 43
        bodies = {
            "/sign-in": {"login": fresh, "password": "wrong and wrong"},
            "/sign-in/code": {"ticket": ticket, "code": "000000"},
            "/sign-in/password": {"ticket": ticket, "password": "a sentence of ours"},
            "/set-up": {"link": ticket},
            "/set-up/password": {"link": ticket, "password": "a sentence of ours"},
            "/set-up/code": {"ticket": ticket, "code": "000000"},
            "/peer-sessions": {"assertion": "a.b.c"},
            "/step-up": {},
            "/account/password": {"current_password": "wrong", "new_password": "a sentence of ours"},
            "/people": {"login": f"a{fresh}", "name": "新人", "subdistrict_code": STREET},
            "/people/{person_id}/active": {"active": True},
            "/people/{person_id}/roles": {"grants": [{"role": "grid_worker", "subdistrict_code": STREET}]},
            "/peers": {
                "client_id": f"a{fresh}", "name": "热线", "subdistrict_code": STREET,
                "public_key_pem": pem(KEYS["Ed25519"]), "sources": ["hotline_12345"],
            },
        }  # fmt: skip
        known = path.removeprefix("/api/v1")
        if method in {"POST", "PUT"} and known in bodies:
            return filled, {"json": bodies[known]}
        return (filled, {}) if known.startswith(("/account", "/people", "/peers")) else None

    def _move(self, path: str) -> tuple[str, dict]:
        case = self.worker.report(category=SORTING)
        void = {"action": "void", "version": case["version"], "facts": {"reason": "误报"}}
        if path.endswith("/actions"):
            facts = {"unit_code": "HZD-06"}
            body = {
                "command_id": str(uuid.uuid4()),
                "action": "dispatch",
                "version": case["version"],
                "facts": facts,
            }
            return path.format(case_id=case["id"]), {"json": body}
        if path.endswith("/requests"):
            return path.format(case_id=case["id"]), {"json": {"id": str(uuid.uuid4()), **void}}
        asked = self.dispatcher.ask(case, "void", reason="误报").json()
        return path.format(request_id=asked["id"]), {"json": {"granted": False, "opinion": "属实"}}


@pytest.fixture(scope="module")
def asking(server: Server, own_demo_url: str, directory: Path) -> Asking:
    seal_everything(own_demo_url, directory)
    return Asking(server)


@pytest.mark.parametrize("endpoint", MATRIX)
def test_each_role_gets_the_answer_that_is_written_down(
    server: Server, asking: Asking, endpoint: str
) -> None:
    *letters, nobody = MATRIX[endpoint].split()
    expected = {role: STATUS[letter] for role, letter in zip(ROLES, letters, strict=True)}
    answered = {role: asking.ask(endpoint, server.person(login)) for role, login in ROLES.items()}
    if endpoint == "DELETE /api/v1/session":
        server.forget()
    assert answered == expected
    assert asking.ask(endpoint, None) == STATUS[nobody]


def test_every_endpoint_is_in_the_table(server: Server) -> None:
    document = server.client.get("/api/v1/openapi.json").json()
    described = {f"{m.upper()} {path}" for path, methods in document["paths"].items() for m in methods}
    pages = {"/", "/field", "/field-sw.js", "/field.webmanifest", "/account", "/api/v1/openapi.json"}
    assert described | {f"GET {path}" for path in pages} == set(MATRIX)


def test_every_role_is_in_the_table(server: Server) -> None:
    held = {role for person in server.people() for role in person["roles"]}
    assert held == set(ROLES)


# What a request did or looked at, it left in the audit log (C5).

LOOKS_AT_PEOPLE = ("GET /api/v1/photos/{sha256}",)
READS = ("GET ", "HEAD ", "OPTIONS ")
LEAVES_NOTHING = {
    "POST /api/v1/reports/likely": "a look at cases that its sender may read; nothing is changed",
    "POST /api/v1/patrols/{shift_id}/track": "positions come each minute; sign-on and sign-off leave lines",
    "POST /api/v1/uploads": "room for bytes to come; the photo that they become leaves its line",
    "DELETE /api/v1/uploads/{upload_id}": "bytes that became no photo are given up by who sent them",
}
"""Endpoints that change something and leave no line, with the reason."""


def recorded(url: str, request_id: str) -> list[tuple[str, str | None]]:
    """(outcome, actor) of the lines that a request left."""
    engine = make_engine(url, pool_size=1)
    query = text("select outcome, actor_id::text from app.audit_log where request_id = :r")
    with engine.connect() as db:
        found = [(row[0], row[1]) for row in db.execute(query, {"r": request_id})]
    engine.dispose()
    return found


@pytest.mark.parametrize(
    "endpoint",
    [e for e in MATRIX if not e.startswith(READS) or e in LOOKS_AT_PEOPLE or "/audit" in e],
)
def test_whatever_is_changed_or_looked_at_leaves_a_line_with_actor_and_request(
    server: Server, asking: Asking, own_demo_url: str, endpoint: str
) -> None:
    *letters, _ = MATRIX[endpoint].split()
    may = {letter: role for role, letter in reversed(list(zip(ROLES, letters, strict=True)))}
    letter = next(letter for letter in "yacdmfsu" if letter in may)
    role = may[letter]
    person = server.person(ROLES[role])
    answer = asking.answer(endpoint, person)
    if endpoint.startswith("DELETE"):
        server.forget()
    left = recorded(own_demo_url, answer.headers["x-request-id"])
    if endpoint in LEAVES_NOTHING:
        assert left == []
        return
    if letter in "mfsu":
        # Here the state of things, or a wrong password, refuses whoever may ask.
        assert {outcome for outcome, _ in left} == {"refused"}
        assert {actor for _, actor in left} <= {person.id, None}
        return
    assert answer.is_success, answer.text
    assert {outcome for outcome, _ in left} == {"done"}
    assert {actor for _, actor in left} <= {person.id, str(SYSTEM_ACTOR_ID)}
    assert person.id in {actor for _, actor in left}


@pytest.mark.parametrize("endpoint", [e for e in MATRIX if "n" in MATRIX[e].split()])
def test_whatever_is_refused_leaves_a_line_with_actor_and_request(
    server: Server, asking: Asking, own_demo_url: str, endpoint: str
) -> None:
    *letters, _ = MATRIX[endpoint].split()
    role = next(role for role, letter in zip(ROLES, letters, strict=True) if letter == "n")
    person = server.person(ROLES[role])
    answer = asking.answer(endpoint, person)
    assert answer.status_code == 403
    assert recorded(own_demo_url, answer.headers["x-request-id"]) == [("refused", person.id)]
