"""Requests made from the OpenAPI document: schemathesis, in every role and as nobody.

Phases examples, coverage, fuzzing and stateful; what it judges: no 5xx, every answer as the document says
(status, media type, headers, body), invalid data refused, no operation that forgets its session.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.target import CAST, NOBODY, Target

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
)
PHASES = "examples,coverage,fuzzing,stateful"
PATIENCE_S = 1800


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run in one role found: ``failures`` are lines of its report."""

    role: str
    requests: int
    failures: tuple[str, ...]


def run_as(
    target: Target, role: str, *, examples: int, seed: int, directory: Path, only: Iterable[str] = ()
) -> Judged:
    """Let schemathesis ask in one role.

    Parameters
    ----------
    examples : at most so many cases of each operation in each phase.
    only : paths, all by default.
    """
    before = target.requests
    report = directory / f"{role}.json"
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{target.base_url}/api/v1/openapi.json",
        "--url", target.base_url, "--checks", ",".join(CHECKS), "--phases", PHASES,
        "--max-examples", str(examples), "--seed", str(seed), "--request-timeout", "40",
        "--continue-on-failure", "--suppress-health-check", "all", "--no-color", "--warnings", "off",
        "--generation-database", "none", "--workers", "1",
        "--report", "json", "--report-json-path", str(report),
    ]  # fmt: skip
    if role != NOBODY:
        command += ["--header", f"Authorization:Bearer as-{CAST[role]}"]
    for path in only:
        command += ["--include-path", path]
    with (directory / f"{role}.log").open("wb") as said:
        done = subprocess.run(
            command, stdout=said, stderr=said, timeout=PATIENCE_S, check=False, cwd=directory
        )
    failures = () if done.returncode == 0 else _failures(directory / f"{role}.log", done.returncode)
    return Judged(role, target.requests - before, failures)


def _failures(log: Path, status: int) -> tuple[str, ...]:
    """The headings of failures in what it printed, or its last words when it broke down itself."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    named = [line.strip() for line in lines if line.startswith(("- ", "____"))]
    return tuple(named) or (f"exit status {status}", *lines[-5:])


def read_report(path: Path) -> object:
    """The JSON report of a run, for whoever looks closer."""
    return json.loads(path.read_text(encoding="utf-8"))
