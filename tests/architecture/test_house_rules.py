"""Rules of the house that no linter knows, checked on the source text."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from gridmgmt import errors
from tests.architecture.sources import (
    functions_of,
    imports_of,
    lines_with,
    name_of,
    python_files,
    text_of,
    tree_of,
)

PROJECT = python_files("gridmgmt", "api")
PURE = python_files("gridmgmt/geo", "gridmgmt/domain", "gridmgmt/services", "gridmgmt/planning")
MOST_LINES = 400
MOST_LINES_OF_A_TEST = 700
MOST_LINES_OF_A_FUNCTION = 60

# Alembic runs outside any request: the migration environment ends its own transaction.
MAY_COMMIT = {
    "api/deps.py",
    "gridmgmt/worker.py",
    "gridmgmt/storage/db.py",
    "gridmgmt/storage/schema.py",
}
MAY_COMMIT_BELOW = "gridmgmt/cli/"

# Who is handed an engine needs its type; nothing else of SQLAlchemy leaves storage.
MAY_NAME_THE_ENGINE = {
    "api/app.py",
    "api/deps.py",
    "gridmgmt/escalation.py",
    "gridmgmt/sealer.py",
    "gridmgmt/services/escalating.py",
    "gridmgmt/services/health.py",
    "gridmgmt/switching.py",
    "gridmgmt/worker.py",
    "gridmgmt/keeping.py",
    "gridmgmt/pushing.py",
    "gridmgmt/cli/",
    "gridmgmt/demo/",
}
SQL = ("sqlalchemy", "geoalchemy2", "psycopg", "alembic")


def test_only_the_edges_commit() -> None:
    wrong = [
        line
        for line in lines_with(r"\.commit\(", *PROJECT)
        if line.partition(":")[0] not in MAY_COMMIT and not line.startswith(MAY_COMMIT_BELOW)
    ]
    assert [] == wrong


def test_reference_systems_are_named_in_one_file() -> None:
    elsewhere = [path for path in PROJECT if name_of(path) != "gridmgmt/geo/crs.py"]
    assert [] == list(lines_with(r"EPSG\s*:|\b(4490|4326|4547|4548|4549|3857)\b", *elsewhere))


def test_nothing_takes_a_datums_offset_off_again() -> None:
    inverse = re.compile(r"(from|un|de)_?(gcj|bd)_?0|to_(wgs_?84|cgcs2000)|inverse", re.IGNORECASE)
    named = (
        f"{name_of(path)}::{f.name}" for path in PROJECT for f in functions_of(path) if inverse.search(f.name)
    )
    assert [] == list(named)


def test_what_decides_reads_no_clock_and_draws_no_chance() -> None:
    clocks = r"datetime\.now|utcnow|date\.today|time\.time\(|perf_counter|monotonic"
    chance = (
        r"^\s*(import|from) (random|secrets)\b|uuid[147]\(|np\.random\.(seed|rand|shuffle)|default_rng\(\)"
    )
    # What cuts a search short needs a clock; it decides when to stop, never what to do.
    judged = [path for path in PURE if name_of(path) != "gridmgmt/planning/stopwatch.py"]
    assert [] == list(lines_with(f"{clocks}|{chance}", *judged))


def test_sql_is_spoken_in_storage_alone() -> None:
    wrong = []
    for path in PROJECT:
        name = name_of(path)
        if name.startswith("gridmgmt/storage/"):
            continue
        engine = name in MAY_NAME_THE_ENGINE or any(
            name.startswith(place) for place in MAY_NAME_THE_ENGINE if place.endswith("/")
        )
        wrong += [
            f"{name}: {module} {what}"
            for module, what in imports_of(path)
            if module.partition(".")[0] in SQL and not (engine and (module, what) == ("sqlalchemy", "Engine"))
        ]
    assert [] == wrong


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    long = {name_of(p): n for p in PROJECT if (n := text_of(p).count("\n")) > MOST_LINES}
    tests = {
        name_of(p): n
        for p in python_files("tests", "bench")
        if (n := text_of(p).count("\n")) > MOST_LINES_OF_A_TEST
    }
    assert {} == long | tests


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring, which may be as long as it is useful."""
    length = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{name_of(path)}::{function.name}": length
        for path in PROJECT
        for function in functions_of(path)
        if (length := body_length(function)) > MOST_LINES_OF_A_FUNCTION
    }
    assert {} == long


def test_no_file_has_a_name_that_says_nothing() -> None:
    empty_words = re.compile(r"(^|_)(util|utils|helper|helpers|manager|processor|misc|common)($|_)")
    assert [] == [name_of(path) for path in PROJECT if empty_words.search(path.stem)]


# Assertions are faults of ours; ValueError and TypeError are caught beside the parser that raises them or
# worded by pydantic; _BodyTooLarge is a signal inside one file; storage/db.py passes on a driver's error
# as SQLAlchemy would; Exit and BadParameter are how a command line ends. The process that looks into photos
# tells its refusals by RefusedError and ExifLoopError, which do not leave it; the pool tells by
# WorkerFailedError that such a process is to be replaced.
RAISED_BESIDES = {
    "AssertionError", "ValueError", "TypeError", "_BodyTooLarge", "OperationalError", "Exit", "BadParameter",
    "RefusedError", "ExifLoopError", "WorkerFailedError", "RecordingError",
}  # fmt: skip


def raised(path: Path) -> Iterator[tuple[int, str]]:
    """(line, class) of every exception that a file makes and raises."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            called = node.exc.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name[:1].isupper():
                yield node.lineno, name


def test_only_errors_of_the_tree_are_raised_on_purpose() -> None:
    known = {name for name, kind in vars(errors).items() if isinstance(kind, type)} | RAISED_BESIDES
    wrong = [f"{name_of(p)}:{line}: {name}" for p in PROJECT for line, name in raised(p) if name not in known]
    assert [] == wrong


# The edge answers, and three loops must outlive one fault: the worker's, the sealer's, and the one that all
# streams hang on.
# In the process that looks into photos the file is to blame, whatever a decoder stumbles over.
# A routing rule that fails ends in the manual queue under its own name: a report is never lost to it.
# A delivery that fails in a way that nobody foresaw has its tries counted: those beside it are sent.
MAY_CATCH_EVERYTHING = {
    "api/door.py",
    "api/guard.py",
    "api/stream.py",
    "gridmgmt/adapters/evidence/image_worker.py",
    "gridmgmt/domain/routing.py",
    "gridmgmt/escalation.py",
    "gridmgmt/sealer.py",
    "gridmgmt/services/escalating.py",
    "gridmgmt/worker.py",
}


def test_only_the_edge_and_the_loops_catch_whatever_happens() -> None:
    swallowing = [
        f"{name_of(path)}:{node.lineno}"
        for path in PROJECT
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler)
        and getattr(node.type, "id", "BaseException") in {"Exception", "BaseException"}
        and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)
        and not isinstance(node.type, (ast.Tuple, ast.Attribute))
    ]
    assert MAY_CATCH_EVERYTHING == {place.partition(":")[0] for place in swallowing}


def test_nothing_reads_what_lies_beside_the_repository() -> None:
    every = python_files("gridmgmt", "api", "tests", "bench", "docs")
    assert [] == list(lines_with(r"\.\./" + "shared", *every))
