"""The demo plan is computed once for all tests that look at it."""

from pathlib import Path

import pytest

from gridmgmt.planning.demo_plan import DemoStreet, build_demo_plan

DATA = Path(__file__).parents[2] / "data" / "demo"


@pytest.fixture(scope="session")
def demo_dir() -> Path:
    return DATA


@pytest.fixture(scope="session")
def street() -> DemoStreet:
    return build_demo_plan(DATA)
