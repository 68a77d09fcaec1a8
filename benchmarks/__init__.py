"""Measurements of what the science and the live path can do; `make validate` writes them to docs/validation.md."""
