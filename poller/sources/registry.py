"""The table of contents of the vendors that are built in. Packages bring others: see `poller.plugin`."""

from poller.plugin import Source
from poller.sources.agendize import Agendize
from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell
from poller.sources.ipscape import Ipscape
from poller.sources.rest import Rest
from poller.sources.trackdrive import Trackdrive

SOURCES: tuple[type[Source], ...] = (Callcap, Flextell, Trackdrive, Ipscape, Agendize, Rest)
