"""One file per resource; each holds its own In and Out models."""
