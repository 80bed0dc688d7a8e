"""Mending what verification found, each change on condition of what was seen."""
