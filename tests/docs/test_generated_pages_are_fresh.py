"""What is generated is what the code says now."""

import subprocess
import sys

from tests.architecture.sources import ROOT


def test_no_generated_page_is_stale() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "" == done.stdout + done.stderr
    assert 0 == done.returncode
