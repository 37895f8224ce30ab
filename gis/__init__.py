"""The domain: geometry, governance, matching, coverage; the store; the use cases."""
