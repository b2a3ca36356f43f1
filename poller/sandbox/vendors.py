"""The table of contents of the sandbox: every simulated vendor, one file each."""

from poller.sandbox import agendize, callcap, flextell, ipscape, trackdrive
from poller.sandbox.desk import Vendor

VENDORS: tuple[Vendor, ...] = (agendize.VENDOR, callcap.VENDOR, flextell.VENDOR, ipscape.VENDOR, trackdrive.VENDOR)
KINDS = tuple(kind for vendor in VENDORS for kind in vendor.kinds)
