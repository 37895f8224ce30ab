"""A conformance suite of our own, keyed by requirement: OGC API Features 1 to 3, Tiles, CQL2.

``python -m tests.conformance http://127.0.0.1:8000/ogc`` prints every requirement with its result.
It asks over HTTP and knows nothing of the service but its address and one layer of areas.
"""

from tests.conformance import features, filters, frames, tiles
from tests.conformance.service import CHECKS, Service

__all__ = ["CHECKS", "Service", "features", "filters", "frames", "tiles"]
