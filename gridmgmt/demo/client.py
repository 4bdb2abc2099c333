"""A client of the HTTP API, playing one synthetic person after another. Nothing goes past the API."""

import uuid
from collections.abc import Mapping
from typing import Any, Self

import httpx

from gridmgmt.domain.onsite import ON_SITE
from gridmgmt.errors import Unavailable


class Person:
    """One signed-in person."""

    def __init__(self, facts: Mapping[str, Any], token: str) -> None:
        self.id: str = facts["id"]
        self.name: str = facts["name"]
        self.roles: list[str] = list(facts["roles"])
        self.unit_code: str | None = facts["unit_code"]
        self.cell_codes: list[str] = list(facts["cell_codes"])
        self.headers = {"Authorization": f"Bearer {token}"}


class DemoClient:
    """Calls the server as the demo's people do.

    Parameters
    ----------
    base_url : such as ``http://127.0.0.1:8000``.
    """

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=30.0, trust_env=False)
        self._signed_in: dict[str, Person] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def people(self) -> list[dict[str, Any]]:
        """Every synthetic person."""
        found: list[dict[str, Any]] = self._json(self._http.get("/api/v1/demo"))["people"]
        return found

    def sign_in(self, facts: Mapping[str, Any]) -> Person:
        """Play this person's part; a second time answers with the same session."""
        known = self._signed_in.get(facts["id"])
        if known is None:
            answer = self._http.post("/api/v1/demo/sign-in", json={"person_id": facts["id"]})
            self._json(answer)
            known = Person(facts, answer.cookies["gridmgmt_session"])
            self._http.cookies.clear()
            self._signed_in[known.id] = known
        return known

    def get(self, who: Person, path: str, **params: Any) -> Any:
        """GET as this person."""
        return self._json(self._http.get(f"/api/v1{path}", params=params, headers=who.headers))

    def post(self, who: Person, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST as this person; a refusal raises."""
        answer: dict[str, Any] = self._json(
            self._http.post(f"/api/v1{path}", json=dict(body), headers=who.headers)
        )
        return answer

    def refused(self, who: Person, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST something that must be refused; the problem document."""
        answer = self._http.post(f"/api/v1{path}", json=dict(body), headers=who.headers)
        if answer.is_success:
            raise Unavailable("The server accepted what it should have refused.", path=path)
        problem: dict[str, Any] = answer.json()
        return problem

    def put_photo(self, who: Person, sha256: str, content: bytes) -> None:
        """Upload a JPEG."""
        headers = {**who.headers, "Content-Type": "image/jpeg"}
        self._json(self._http.put(f"/api/v1/photos/{sha256}", content=content, headers=headers))

    def act(self, who: Person, case: Mapping[str, Any], action: str, **facts: Any) -> dict[str, Any]:
        """Move a case as this person; a word about the place is said from there."""
        if action in ON_SITE:
            facts.setdefault("place", {**case["label_position"], "accuracy_m": 8.0})
        body = {
            "command_id": str(uuid.uuid4()),
            "action": action,
            "version": case["version"],
            "facts": facts,
        }
        return self.post(who, f"/cases/{case['id']}/actions", body)

    @staticmethod
    def _json(answer: httpx.Response) -> Any:
        if answer.is_error:
            raise Unavailable(
                f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: "
                f"{answer.text[:300]}"
            )
        return answer.json()
