"""``make bench [-- NAME ...]``: figures against the floor and the peers, in one run, as ratios.

No figure here is a test: machines differ and are shared. Each table says what the ratio is to.
"""

from __future__ import annotations

import sys
from importlib import import_module

BENCHES = (
    "http",
    "intake",
    "sse",
    "match",
    "batch",
    "proof",
    "check",
    "coverage",
    "address",
    "layers",
    "large_layers",
    "pages",
)
"""Modules of this package; each has a ``main()`` that prints its table."""


def main() -> None:
    wanted = [name for name in sys.argv[1:] if name != "--"] or list(BENCHES)
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        sys.exit(f"no bench named {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
    for name in wanted:
        import_module(f"tests.bench.{name}").main()


main()
