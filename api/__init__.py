"""The door: HTTP and the command line."""
