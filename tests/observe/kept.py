"""Tests that set up log lines leave this process's as they were."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def logging_kept() -> Iterator[None]:
    """Within the block log lines may be set up in any way."""
    kept, root = structlog.get_config(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        structlog.configure(**kept)
        root.handlers[:] = handlers
        root.setLevel(level)
