"""Measurements that docs quote: each is a command; `make validate` writes those of the science to docs/validation.md."""
