"""Backups and exports: the snapshot of the source, and the undo of the destination."""
