"""Measurements that docs quote: each is a command, `python -m benchmarks.<name>`."""
