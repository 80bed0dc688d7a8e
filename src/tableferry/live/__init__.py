"""Live migration: the source's stream is applied to the destination while the copy runs."""
