"""``python -m tests.sabotage``: break each safeguard on purpose and see the test that is named for it fail.

Works in a copy of the checkout, one safeguard at a time: a piece of source is replaced, the named test is
run, and it must fail. ``docs/explanation/threat-model.md`` lists what was found; a safeguard whose absence
nobody notices is reported and ends the program with 1.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[1]


class Safeguard(NamedTuple):
    """What is broken, in which file, which text becomes which, and the test that must notice."""

    what: str
    file: str
    text: str
    becomes: str
    test: str


_GATE = "gridmgmt/geo/gate.py"
_STRICT = "tests/api/test_strictness.py"
SAFEGUARDS: Sequence[Safeguard] = (
    Safeguard(
        "no ON CONFLICT at intake", "gridmgmt/storage/cases.py", "on conflict (id) do nothing", "",
        "tests/fuzz/test_fuzz.py::test_a_report_sent_several_times_at_once_has_one_effect",
    ),
    Safeguard(
        "no version check when a case is saved", "gridmgmt/storage/cases.py",
        ".where(cases.c.id == case.id, cases.c.version == case.version - 1)", ".where(cases.c.id == case.id)",
        "tests/storage/test_cases.py::test_a_decision_on_an_old_version_is_not_saved",
    ),
    Safeguard(
        "a command's id is not compared with what it did", "gridmgmt/services/handling.py",
        "if not (same and same_facts):", "if False:",
        "tests/services/test_handling.py"
        "::test_another_command_under_a_used_id_is_refused_and_not_taken_for_the_first",
    ),
    Safeguard(
        "no ON CONFLICT for a command's id", "gridmgmt/storage/cases.py",
        'row.on_conflict_do_nothing(index_elements=["command_id"])', "row",
        "tests/services/test_handling.py::test_two_commands_of_one_id_at_one_moment_move_one_case",
    ),
    Safeguard(
        "no strict JSON", "api/strict_json.py", "    if not content:\n", "    if True:\n",
        f"{_STRICT}::test_every_json_body_goes_through_the_same_gate",
    ),
    Safeguard(
        "numbers that are text", "api/models.py", "Degrees = Annotated[float, Field(strict=True, ",
        "Degrees = Annotated[float, Field(",
        f"{_STRICT}::test_a_position_is_made_of_numbers_and_of_nothing_that_reads_like_one",
    ),
    Safeguard(
        "packed bodies are taken", "api/guard.py",
        'headers.get(b"content-encoding", b"identity")', 'b"identity"',
        f"{_STRICT}::test_a_packed_body_is_refused_whatever_it_would_unpack_to",
    ),
    Safeguard(
        "no deadline", "api/guard.py", "        self._late = True\n", "        return\n",
        f"{_STRICT}::test_whoever_hangs_behind_the_guard_the_asker_is_answered",
    ),
    Safeguard(
        "no limit of what is under way", "api/turns.py", "self._under_way[key] >= _DEAR[kind]", "False",
        f"{_STRICT}::test_a_ninth_stream_of_one_person_is_refused_and_says_when_to_try_again",
    ),
    Safeguard(
        "a statement that was given up is a fault", "gridmgmt/storage/db.py", '"57014", ', "",
        "tests/api/test_door.py::test_what_would_only_fail_again_for_each_is_not_tried_again",
    ),
    Safeguard(
        "invalid geometry is taken", _GATE, "    if shapely.is_valid(shape):\n", "    if True:\n",
        "tests/geo/test_gate.py::test_what_is_wrong_is_refused_with_its_reason",
    ),
    Safeguard(
        "no limit of vertices", _GATE, "    if vertices > limits.vertices:\n", "    if False:\n",
        "tests/geo/test_gate.py::test_the_limit_of_vertices_is_exact",
    ),
    Safeguard(
        "no frame", _GATE, "    if frame.holds(*one):\n", "    if True:\n",
        "tests/geo/test_gate.py::test_what_is_wrong_is_refused_with_its_reason",
    ),
    Safeguard(
        "no limit of memory for a check", "gridmgmt/adapters/bounded.py",
        "    resource.setrlimit(resource.RLIMIT_AS, (int(memory_bytes), int(memory_bytes)))\n", "",
        "tests/geo/test_gate.py::test_a_check_that_costs_too_much_is_ended_and_refused",
    ),
    Safeguard(
        "cells are overlaid unchecked", "gridmgmt/domain/adoption.py",
        "lambda: _beyond_limits(plan, outline)", "lambda: []",
        "tests/services/test_gridplans.py"
        "::test_a_plan_that_is_elsewhere_or_too_large_is_refused_before_it_is_laid_over_anything",
    ),
    Safeguard(
        "no check of geometry at rest", "gridmgmt/storage/migrations/versions/0008_geometry_limits.py",
        "then st_isvalid({column}) and", "then",
        "tests/storage/test_geometry_limits.py::test_no_bad_polygon_can_be_stored",
    ),
    Safeguard(
        "banned functions are left to everybody", "gridmgmt/storage/rights/prepare.sql",
        "execute format('revoke execute on routine %s from public', function.name);", "null;",
        "tests/storage/test_banned_functions.py::test_no_wall_may_call_a_banned_function",
    ),
    Safeguard(
        "a tile of any size", "gridmgmt/storage/tiles.py",
        "if found.features > MOST_FEATURES or len(content) > MOST_BYTES:", "if False:",
        "tests/storage/test_tiles.py::test_a_tile_that_holds_too_much_is_refused_and_not_cut_short",
    ),
)  # fmt: skip


def is_noticed(safeguard: Safeguard, copy: Path) -> bool:
    """Whether the named test fails without the safeguard; the copy is as before afterwards."""
    path = copy / safeguard.file
    whole = path.read_text(encoding="utf-8")
    assert safeguard.text in whole, f"{safeguard.what}: {safeguard.file} does not hold this any more"
    path.write_text(whole.replace(safeguard.text, safeguard.becomes, 1), encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, safeguard.test], cwd=copy, capture_output=True, text=True, timeout=600, check=False,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(copy), "HOME": str(copy)},
        )  # fmt: skip
    finally:
        path.write_text(whole, encoding="utf-8")
    # 1: a test failed; anything else (nothing collected, a usage error) proves nothing.
    return done.returncode == 1


def main() -> int:
    """Break them one after another."""
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage")
    parser.add_argument("--only", default="", help="a part of what is broken")
    only = parser.parse_args().only
    missed = 0
    with tempfile.TemporaryDirectory(prefix="gm-sabotage-") as scratch:
        copy = Path(scratch) / "checkout"
        ignored = shutil.ignore_patterns(".git", ".venv", "node_modules", "__pycache__", "artifacts", "build")
        shutil.copytree(CHECKOUT, copy, ignore=ignored)
        Path(scratch).chmod(0o755)
        for safeguard in SAFEGUARDS:
            if only in safeguard.what:
                noticed = is_noticed(safeguard, copy)
                missed += not noticed
                sys.stdout.write(
                    f"{'noticed' if noticed else 'MISSED '}  {safeguard.what}: {safeguard.test}\n"
                )
                sys.stdout.flush()
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
