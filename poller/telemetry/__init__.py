"""Every metric and every log line of the program.

No other room knows structlog or prometheus_client. A notable event is one method of `Telemetry` (`instrumentation`),
which both counts and logs it: counters live in `metric_defs`, gauges are read off the streams' statuses (`status`) at
each scrape, and `recent` keeps the last hour for the status page.
"""

from typing import Final

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from poller.telemetry.instrumentation import Telemetry
from poller.telemetry.logging import configure_logging

EXPOSITION: Final = CONTENT_TYPE_PLAIN_0_0_4
"""The content type of `Telemetry.render`."""

__all__ = ["EXPOSITION", "Telemetry", "configure_logging"]
