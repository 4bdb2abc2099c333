"""Hand-written pages: links lead somewhere, and every dependency is explained."""

import json
import re
import tomllib
from pathlib import Path

from tests.architecture.sources import ROOT, name_of


def pages() -> list[Path]:
    """Markdown files of the project; what was installed or built lies elsewhere."""
    folders = ("docs", "bench", "data", "notebooks", "web/src", "tests")
    return sorted(ROOT.glob("*.md")) + [p for name in folders for p in sorted((ROOT / name).rglob("*.md"))]


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_every_link_inside_the_project_leads_somewhere() -> None:
    broken = []
    for page in pages():
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            there = page if not file else page.parent / file
            if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
                broken.append(f"{name_of(page)}: {target}")
    assert [] == broken


def test_every_dependency_is_explained_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8")
    run_time, rest = page.split("## For development")
    development, rest = rest.split("## For the notebooks")
    notebooks, rest = rest.split("## For the bench alone")
    peers, in_pages = rest.split("## In the pages")
    for declared, part in (
        (project["dependencies"], run_time),
        (project["optional-dependencies"]["dev"], development),
        (project["optional-dependencies"]["notebooks"], notebooks),
        (project["optional-dependencies"]["bench-peers"], peers),
    ):
        names = {re.split(r"[\[><=~! ]", line)[0] for line in declared}
        assert names == set(re.findall(r"^\| ([a-z0-9][\w-]*) \|", part, re.MULTILINE))
    package = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))
    explained = set(re.findall(r"^\| ([a-z@][\w@/-]*) \|", in_pages, re.MULTILINE))
    assert explained == {*package["dependencies"], *package["devDependencies"]}


def test_every_decision_is_listed_and_says_what_enforces_it() -> None:
    folder = ROOT / "docs" / "explanation" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    records = sorted(folder.glob("[0-9]*.md"))
    assert [path.name for path in records] == listed
    for path in records:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "Context", "Decision", "Consequences", "What enforces this",
        ]  # fmt: skip
        assert text.startswith(f"# {path.name[:4]}. ")


def test_what_the_decisions_say_enforces_them_exists() -> None:
    missing = []
    for path in (ROOT / "docs" / "explanation").rglob("*.md"):
        for file, _, name in re.findall(r"`(tests/[\w/]+\.py)(::(\w+))?`", path.read_text(encoding="utf-8")):
            if not (ROOT / file).is_file() or name not in (ROOT / file).read_text(encoding="utf-8"):
                missing.append(f"{name_of(path)}: {file} {name}")
    assert [] == missing
