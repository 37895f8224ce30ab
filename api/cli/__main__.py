"""``python -m api.cli``: the same as the command ``gridward``."""

from api.cli import main

main()
