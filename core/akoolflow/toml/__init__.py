"""TOML files as checked structs, with every fault at its line and column; knows nothing of pipelines.

Read `faults`, `interpolation`, `positions`, `source`, then `scalars`, `findings`, `checking`, and `documents`, which
puts them together.
"""
