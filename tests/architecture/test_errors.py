"""The error tree is drawn, mapped to HTTP, explained in the docs and said in both languages."""

import ast
import re
from collections.abc import Iterator

import pytest

from api.errors import STATUS_OF
from gridmgmt import errors
from gridmgmt.adapters.evidence.pool import _MESSAGES
from gridmgmt.domain.jointcall import CALL_RULES
from gridmgmt.domain.workflow import TRANSITIONS
from gridmgmt.errors import GridError
from tests.architecture.sources import ROOT, name_of, python_files, tree_of

LANGUAGES = ("zh-CN", "en")


def tree(kind: type[GridError] = GridError, depth: int = 0) -> Iterator[tuple[int, type[GridError]]]:
    """Every error with its depth, in the order of the source."""
    yield depth, kind
    for child in kind.__subclasses__():
        yield from tree(child, depth + 1)


POSITION_HINTS = {"not_finite", "axes_swapped", "metric_coordinates", "out_of_range"}
EVERY_ERROR = [kind for _, kind in tree()]


def texts(language: str) -> str:
    """All texts of a language: those of refusals, and a file for each feature."""
    folder = ROOT / "web" / "src" / "core" / "i18n"
    files = [*sorted(folder.glob(f"*{language}.ts")), *sorted((folder / language).glob("*.ts"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


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


def said(language: str, name: str) -> set[str]:
    """Names that have a text in the object of that name."""
    found = block(texts(language), name)
    return set(re.findall(r"[{,\n]\s*(\w+): [\'\"]", found[found.index("{") :]))


def given(keyword: str, *folders: str) -> Iterator[tuple[str, ast.expr]]:
    """Every value that is given for a keyword in a call, with the place."""
    for path in python_files(*folders):
        for node in ast.walk(tree_of(path)):
            for word in node.keywords if isinstance(node, ast.Call) else ():
                if word.arg == keyword:
                    yield f"{name_of(path)}:{node.lineno}", word.value


def constants(value: ast.expr) -> set[str]:
    """The words that an expression may be."""
    return {n.value for n in ast.walk(value) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_guard_has_a_text_in_both_languages(language: str) -> None:
    named = set().union(*(constants(value) for _, value in given("guard", "gridmgmt", "api")))
    assert named == said(language, "guards")


def test_guards_are_words_so_that_the_texts_can_be_compared() -> None:
    found = [
        place for place, value in given("guard", "gridmgmt", "api") if not isinstance(value, ast.Constant)
    ]
    assert [] == found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fact_that_may_be_missing_is_named_in_both_languages(language: str) -> None:
    listed = (
        v for _, v in given("missing", "gridmgmt/domain", "gridmgmt/services") if isinstance(v, ast.List)
    )
    wanted = set().union(*(constants(value) for value in listed))
    wanted |= {name for row in TRANSITIONS.values() for name in row.requires}
    wanted |= {name for rule in CALL_RULES.values() for name in rule.requires}
    assert {"document_no", "score", "reply"} <= wanted
    assert set() == wanted - said(language, "facts")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fault_of_a_report_or_a_position_has_a_text_in_both_languages(language: str) -> None:
    path = ROOT / "gridmgmt" / "domain" / "report.py"
    faults = {
        str(node.args[2].value)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_Fault"
        if isinstance(node.args[2], ast.Constant)
    }
    assert {"future", "missing_evidence"} <= faults
    hints = set().union(*(constants(value) for _, value in given("hint", "gridmgmt/domain")))
    assert faults | hints | POSITION_HINTS | gate_hints() == said(language, "faults")


def gate_hints() -> set[str]:
    """Why the gate refuses a geometry: the second word of each refusal there, or what ``hint`` may be."""
    found: set[str] = set()
    for node in ast.walk(tree_of(ROOT / "gridmgmt" / "geo" / "gate.py")):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_refused":
            found |= constants(node.args[1])
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "hint":
            found |= constants(node.value)
    assert {"not_valid", "antimeridian", "outside_frame", "too_many_features"} <= found
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_against_a_photo_or_a_password_has_a_text_in_both_languages(language: str) -> None:
    assert set(_MESSAGES) | {"hash_differs", "type_differs"} == said(language, "photo_reasons")
    tree_ = tree_of(ROOT / "gridmgmt" / "domain" / "passwordrules.py")
    weak = {
        str(n.value.value)
        for n in ast.walk(tree_)
        if isinstance(n, ast.Yield) and isinstance(n.value, ast.Constant)
    }
    assert "too_short" in weak
    assert set() == weak - said(language, "sign_in")


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
