"""poller: polls every stream of every source and delivers each revision of each record once."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("poller")
except PackageNotFoundError:  # run from a checkout that is not installed
    VERSION = "0"
