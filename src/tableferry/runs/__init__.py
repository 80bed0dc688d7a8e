"""A run from its claim to its recorded end: owner, phases, stop, outcome."""
