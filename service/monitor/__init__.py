"""Watches every kiln: stored blocks -> the science -> firings, findings and alarms."""
