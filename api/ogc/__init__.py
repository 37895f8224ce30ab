"""What the OGC routes are made of: parameters, lanes, documents, pages."""
