"""The destination table: planned, made like the source, recognised as our own."""
