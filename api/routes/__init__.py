"""Routes: parse, authorise, call one use case, answer."""
