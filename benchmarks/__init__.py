"""Measurements that docs quote, each a command; `make validate` writes those of the science to docs/validation.md."""
