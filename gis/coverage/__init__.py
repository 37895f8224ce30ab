"""Who is within reach of what. Pure."""
