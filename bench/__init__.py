"""Benchmarks: one file each; every one prints ours, its peers and the ratio of one run (``make bench``)."""
