"""The copy path: a table is cut into segments, and a worker reads, changes and writes one."""
