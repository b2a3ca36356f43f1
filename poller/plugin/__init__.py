"""The parts that a source is made of: streams, sweeps, credentials, configuration types, pagination, readers of fields.

A source imports from here and from nowhere else in poller. The errors are named after what poller does about them:
see `poller.errors`.
"""

from poller.errors import Denied, Shifted, SourceError, Throttled, Unavailable, Unexpected

__all__ = ["Denied", "Shifted", "SourceError", "Throttled", "Unavailable", "Unexpected"]
