"""How fast workers may use a table: a budget, shared by those that run, slowed by throttles."""
