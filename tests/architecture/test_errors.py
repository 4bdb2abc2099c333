"""The error tree is drawn, mapped to HTTP, explained in the docs and said in both languages."""

import ast
import re
from collections.abc import Iterator

import pytest

from api.errors import STATUS_OF
from gridmgmt import errors
from gridmgmt.errors import GridError
from tests.architecture.sources import ROOT, name_of, python_files, tree_of

LANGUAGES = ("zh-CN", "en")


def tree(kind: type[GridError] = GridError, depth: int = 0) -> Iterator[tuple[int, type[GridError]]]:
    """Every error with its depth, in the order of the source."""
    yield depth, kind
    for child in kind.__subclasses__():
        yield from tree(child, depth + 1)


EVERY_ERROR = [kind for _, kind in tree()]


def texts(language: str) -> str:
    """All texts of a language; they lie in several files."""
    folder = ROOT / "web" / "src" / "core" / "i18n"
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob(f"*{language}.ts")))


def block(text: str, name: str) -> str:
    """The object literal of that name: from its brace to the one that closes it."""
    found = re.search(rf"\b{name}(: [^={{]+)?( =|:) \{{", text)
    assert found, name
    depth = 0
    for place in range(found.end() - 1, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[found.start() : place + 1]
    raise AssertionError(name)


def test_every_error_lives_in_the_one_file() -> None:
    assert [] == [kind for kind in EVERY_ERROR if kind.__module__ != "gridmgmt.errors"]
    assert {k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, GridError)} == set(
        EVERY_ERROR
    )


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    drawn = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"( {4}(?:[│ ]  )*(?:[├└]─ )?)([A-Z]\w+)", line)
        if found:
            drawn.append((len(found[1]) // 3 - 1, found[2]))
    assert [(depth, kind.__name__) for depth, kind in tree()] == drawn


def test_the_statuses_in_the_docstring_are_those_of_the_table() -> None:
    for name, status in re.findall(r"[─ ] ?([A-Z]\w+) +(\d{3})\b", errors.__doc__ or ""):
        top = getattr(errors, name)
        assert {int(status)} == {STATUS_OF[kind] for _, kind in tree(top)}


def test_every_error_has_its_own_code_named_after_it() -> None:
    expected = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower() for kind in EVERY_ERROR]
    assert expected == [kind.code for kind in EVERY_ERROR]


def test_every_error_has_a_status() -> None:
    assert set(EVERY_ERROR) == set(STATUS_OF)


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_every_error_is_in_the_reference(kind: type[GridError]) -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert f"`{kind.code}`" in page
    assert f"`{kind.__name__}`" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_has_a_text_in_both_languages(language: str) -> None:
    said = set(re.findall(r"^\s*(\w+): \{ title:", block(texts(language), "errors"), re.MULTILINE))
    assert {kind.code for kind in EVERY_ERROR} | {"internal_error"} == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_guard_has_a_text_in_both_languages(language: str) -> None:
    named = {
        str(word.value.value)
        for path in python_files("gridmgmt/domain", "gridmgmt/services")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "guard" and isinstance(word.value, ast.Constant)
    }
    said = set(re.findall(r"^\s*(\w+): ", block(texts(language), "guards"), re.MULTILINE)) - {"guards"}
    assert named == said


def test_every_refusal_rests_on_an_article_and_a_capability_that_exist() -> None:
    articles = re.compile(r"([1-9]|[1-3]\d|4[0-8])(-\d)?")
    wrong = []
    for path in python_files("gridmgmt", "api"):
        for node in ast.walk(tree_of(path)):
            for word in node.keywords if isinstance(node, ast.Call) else ():
                value = word.value.value if isinstance(word.value, ast.Constant) else None
                if word.arg == "article" and isinstance(value, str) and not articles.fullmatch(value):
                    wrong.append(f"{name_of(path)}:{node.lineno}: article {value}")
                if word.arg == "rule" and isinstance(value, str) and not re.fullmatch(r"R\d\d[a-d]?", value):
                    wrong.append(f"{name_of(path)}:{node.lineno}: rule {value}")
    assert [] == wrong
