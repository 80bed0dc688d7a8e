"""A migration on one machine, without a stack: `tableferry run`."""
