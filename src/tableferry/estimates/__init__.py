"""What a run would take, before it begins: units, time, money, and what bounds it."""
