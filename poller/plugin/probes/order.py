"""A probe of a list's order."""

from itertools import pairwise

from poller.plugin.assumptions import Asking, Probe, Verdict, fails, holds, unknown
from poller.plugin.probes.listed import ProbedList, plural, recent


def newest_come_first(listed: ProbedList) -> Probe:
    """Look at the first two pages of a list that is sorted by time, newest first; records without a time don't count.

    What is added or changed meanwhile pushes others on, and so can only repeat them.
    """

    async def probe(asking: Asking) -> Verdict:
        span, page = await recent(listed, asking, least=2)
        timed, following = listed.timed(page.records), listed.following(1, page)
        if following is not None:  # what came meanwhile pushes the last of the first page on to the second
            timed += listed.timed((await listed.ask(asking, span, following)).records)
        first = {name: time for time, name in reversed(timed)}  # where a record comes twice, its first place counts
        times = [first.pop(name) for _, name in timed if name in first]
        if len(times) < 2 or len(set(times)) == 1:
            return unknown(f"{plural(len(times))} came, which have no order")
        wrong = sum(earlier < later for earlier, later in pairwise(times))
        if wrong:
            return fails(f"{wrong} of {len(times) - 1} neighbours are the wrong way round")
        return holds(f"{plural(len(times))} in order")

    return probe
