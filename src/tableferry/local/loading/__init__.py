"""Your own data into the embedded engine: what a file holds, its keys, and the writing."""
