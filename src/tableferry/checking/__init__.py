"""What the first state checks before anything is touched: spec, tables, permissions, a sample."""
