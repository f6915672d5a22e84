"""Loaders: `load(*, …)` reads a source and returns it raw, one file each."""
