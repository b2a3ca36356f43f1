"""The settings of ipSCAPE's streams: which are polled, and the timing of their sweeps."""

from datetime import timedelta

from poller.plugin import ChosenStreams, StreamSettings, SweepSettings, WholeList, Windowed


class CallSweeps(SweepSettings):
    """The timing of the sweeps of activities, or of dial attempts."""

    live: Windowed = Windowed(every=timedelta(minutes=1), lookback=timedelta(minutes=10))
    settle: Windowed = Windowed(every=timedelta(minutes=10), lookback=timedelta(hours=6))
    audit: Windowed = Windowed(every=timedelta(hours=24), lookback=timedelta(hours=72))


class LeadSweeps(SweepSettings):
    """The timing of the sweeps of leads."""

    live: Windowed = Windowed(every=timedelta(minutes=5), lookback=timedelta(hours=1))
    settle: Windowed = Windowed(every=timedelta(hours=1), lookback=timedelta(hours=6))
    audit: Windowed = Windowed(every=timedelta(hours=24), lookback=timedelta(days=7))
    touched: Windowed = Windowed(every=timedelta(minutes=5), lookback=timedelta(minutes=15))


class ListSweeps(SweepSettings):
    """The timing of the sweep that reads a list whole."""

    snapshot: WholeList = WholeList(every=timedelta(hours=1))


class Streams(ChosenStreams):
    """The vendor's streams."""

    activities: StreamSettings[CallSweeps] | None = None
    dialler_calls: StreamSettings[CallSweeps] | None = None
    leads: StreamSettings[LeadSweeps] | None = None
    campaigns: StreamSettings[ListSweeps] | None = None
    lead_lists: StreamSettings[ListSweeps] | None = None
    users: StreamSettings[ListSweeps] | None = None


ALL = Streams(
    activities=StreamSettings[CallSweeps](),
    dialler_calls=StreamSettings[CallSweeps](),
    leads=StreamSettings[LeadSweeps](),
    campaigns=StreamSettings[ListSweeps](),
    lead_lists=StreamSettings[ListSweeps](),
    users=StreamSettings[ListSweeps](),
)
