"""Use cases: one function, one transaction, committed when it returns."""
