"""``python -m gridmgmt`` is the command line."""

from gridmgmt.cli import main

main()
