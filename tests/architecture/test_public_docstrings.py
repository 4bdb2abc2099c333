"""Whatever others may call says what it is."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import name_of, python_files, tree_of


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Public functions and classes of a module, and public methods of its public classes, without a word."""
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in tree.body:
        if not isinstance(node, definitions) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None and not is_overload(node):
            yield node.name
        if isinstance(node, ast.ClassDef) and not is_protocol(node):
            for item in node.body:
                if (
                    isinstance(item, definitions)
                    and not item.name.startswith("_")
                    and ast.get_docstring(item) is None
                ):
                    yield f"{node.name}.{item.name}"


def is_overload(node: ast.AST) -> bool:
    """An overload only repeats a signature."""
    return any(getattr(d, "id", "") == "overload" for d in getattr(node, "decorator_list", ()))


def is_protocol(node: ast.ClassDef) -> bool:
    """A protocol's members are described by the protocol as a whole or by those who fulfil it."""
    return any(getattr(base, "id", "") == "Protocol" for base in node.bases)


def test_every_public_function_and_class_says_what_it_is() -> None:
    files = python_files("gridmgmt", "api")
    assert [] == [f"{name_of(path)}: {name}" for path in files for name in undocumented(tree_of(path))]


def test_every_module_says_what_it_is_for() -> None:
    silent = [name_of(p) for p in python_files("gridmgmt", "api") if ast.get_docstring(tree_of(p)) is None]
    assert [] == silent
