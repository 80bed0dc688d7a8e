"""A table's limits: what requests cost, which are admitted, and what is reported as used."""
