"""Every metric and every log line there is: nothing else knows structlog or prometheus_client."""

from typing import Final

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from poller.telemetry.instrumentation import Telemetry
from poller.telemetry.logging import configure_logging

EXPOSITION: Final = CONTENT_TYPE_PLAIN_0_0_4
"""The content type of `Telemetry.render`."""

__all__ = ["EXPOSITION", "Telemetry", "configure_logging"]
