"""What is published, and what comes in: files, layers, the demo city."""
