"""Firings brought in from logs of other systems, and handed out as files."""
