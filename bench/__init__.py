"""Benchmarks: ratios against a floor of the same run. `make bench`; results in RESULTS.md."""
