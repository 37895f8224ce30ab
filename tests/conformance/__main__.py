"""Print every requirement with its result: ``python -m tests.conformance URL``."""

from __future__ import annotations

import sys

import httpx

from tests.conformance import CHECKS, Service


def main(root: str) -> int:
    """Print every requirement with its result; return how many failed."""
    failed = 0
    with httpx.Client(timeout=60) as http:
        service = Service(http, root.rstrip("/"))
        for name, check in CHECKS.items():
            try:
                check(service)
            except AssertionError as error:
                failed += 1
                print(f"FAIL  {name}: {error}")
            else:
                print(f"pass  {name}")
    print(f"{len(CHECKS) - failed} of {len(CHECKS)} requirements hold")
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1]), 1))
