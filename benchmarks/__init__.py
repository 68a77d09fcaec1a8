"""Measurements of what the science claims; run by hand, each with a short version among the tests."""
