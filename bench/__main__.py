"""Run every benchmark of this package: ``python -m bench [--on 2026-07-01] [--quick]``."""

import importlib
import pkgutil
import sys

import bench
from bench.report import main

NAMES = sorted(
    module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("__")
)

if __name__ == "__main__":
    modules = [importlib.import_module(f"bench.{name}") for name in NAMES]
    sys.exit(main([module.run for module in modules if hasattr(module, "run")]))
