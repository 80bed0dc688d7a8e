"""The command `tableferry`: parses, calls, prints; exit status 0, 1, 2 or 3 (docs/cli.md)."""
