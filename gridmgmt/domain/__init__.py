"""Pure rules: frozen dataclasses and functions. No clock, no randomness, no I/O; ``now`` is an argument."""
