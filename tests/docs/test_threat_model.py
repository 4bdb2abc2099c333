"""The threat model names tests; each of them exists, or the safeguard is only a sentence."""

import re

from tests.architecture.sources import ROOT

PAGE = (ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


def test_every_test_that_the_threat_model_names_exists() -> None:
    missing = [
        f"{file}::{name}"
        for file, name in NAMED
        if not (ROOT / file).is_file() or (name and f"def {name}(" not in (ROOT / file).read_text("utf-8"))
    ]
    assert missing == []
    assert len(NAMED) > 30


def test_every_threat_has_a_safeguard_a_test_and_says_what_is_left() -> None:
    rows = [line.split(" | ") for line in PAGE.splitlines() if re.match(r"\| [STRIDE] \| ", line)]
    assert len(rows) > 25
    for row in rows:
        assert len(row) == 5, row
        assert all(cell.strip(" |") for cell in row[1:]), row


def test_every_safeguard_that_is_broken_on_purpose_stands_in_the_threat_model() -> None:
    from tests.sabotage import SAFEGUARDS  # noqa: PLC0415  the list is a program beside the tests

    assert len(SAFEGUARDS) >= 15
    assert [s.what for s in SAFEGUARDS if f"| {s.what} |" not in PAGE] == []
