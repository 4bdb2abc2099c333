"""The source files of the project, read once and parsed."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Migrations are history: written once by a generator, never edited, named after nothing in the code.
FROZEN = "gridmgmt/storage/migrations/versions/"


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """Python files below these folders of the repository, migrations left out."""
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return tuple(path for path in found if not name_of(path).startswith(FROZEN))


def name_of(path: Path) -> str:
    """Path inside the repository, with slashes."""
    return path.relative_to(ROOT).as_posix()


@cache
def text_of(path: Path) -> str:
    """The file's text."""
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(text_of(path))


def lines_with(pattern: str, *files: Path) -> Iterator[str]:
    """``path:line: text`` of every line that the pattern is found in."""
    wanted = re.compile(pattern)
    for path in files:
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if wanted.search(line):
                yield f"{name_of(path)}:{number}: {line.strip()}"


def imports_of(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of everything that a file imports at any depth; the name is empty for ``import x``."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, nested ones included."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node
