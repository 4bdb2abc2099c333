"""Write every page that the code already knows: reference pages, OpenAPI, the client's tables.

``python docs/generate.py`` writes them, ``--check`` names those that are stale and fails. What is generated
has one source, and a test runs the check, so a page cannot disagree with the program.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pages import dataflow, interfaces, personal, project, routing, rules, web

ROOT = Path(__file__).resolve().parents[1]
PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/workflow.md": rules.workflow,
    "docs/reference/routing-rules.md": routing.routing_rules,
    "docs/reference/permissions.md": rules.permissions,
    "docs/reference/rights.md": rules.rights,
    "docs/reference/errors.md": rules.errors,
    "docs/reference/personal-data.md": personal.personal_data,
    "docs/reference/settings.md": project.settings,
    "docs/reference/traceability.md": lambda: project.traceability(ROOT),
    "docs/reference/glossary.md": lambda: project.glossary(ROOT / "docs" / "glossary.csv"),
    "docs/reference/api.md": interfaces.api,
    "docs/reference/openapi.json": interfaces.openapi,
    "docs/reference/cli.md": interfaces.cli,
    "docs/images/data-flow.svg": dataflow.picture,
    "web/src/core/workflow.gen.ts": web.workflow,
    "web/src/core/errors.gen.ts": web.errors,
}


def stale() -> dict[str, str]:
    """Path and wanted text of every page that is missing or says something else."""
    found = {}
    for name, make in PAGES.items():
        path, wanted = ROOT / name, make()
        if not path.is_file() or path.read_text(encoding="utf-8") != wanted:
            found[name] = wanted
    return found


def main() -> int:
    """Write what is stale, or only name it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is stale")
    only_check = parser.parse_args().check
    pages = stale()
    for name, text in pages.items():
        print(f"{'stale' if only_check else 'written'}: {name}")
        if not only_check:
            (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / name).write_text(text, encoding="utf-8")
    if only_check and pages:
        print("Run make docs.")
    return 1 if only_check and pages else 0


if __name__ == "__main__":
    sys.exit(main())
