"""What most lists are assumed to keep to between two pages of one pass. No probe can tell: it changes nothing."""

from poller.plugin.assumptions import Assumption


def places_are_kept(stream: str, wider: str, name: str = "places-kept") -> Assumption:
    """Assume that what leaves a numbered list shows in its total; `wider` is the sweep that finds what was missed."""
    return Assumption(
        name=name,
        stream=stream,
        says="Between two answers no record leaves the list, or changes places, while another one enters elsewhere.",
        rests="The records at the seams of pages: one that moves up onto a page that was read is on none.",
        guard="A total that falls, and records that come twice without one having entered, move no cursor.",
        consequence=f"let `{wider}` run more often",
    )


def ties_keep_their_order(stream: str, sweep: str, wider: str, name: str = "ties-keep-order") -> Assumption:
    """Assume that records of one time come in one order, in a list where any record may move to the top."""
    return Assumption(
        name=name,
        stream=stream,
        says=f"Records of one and the same time come in the same order on each page of `{sweep}`.",
        rests=f"`{sweep}`: of two that change places between two pages one comes twice, the other not at all.",
        guard="None: one that another pushed on, which moved to the top meanwhile, comes twice as well.",
        consequence=f"let `{wider}` run more often",
    )


def cursor_keeps_its_place(stream: str, name: str = "cursor-keeps-place") -> Assumption:
    """Assume that a vendor's cursor stands for a record, and not for a number of records."""
    return Assumption(
        name=name,
        stream=stream,
        says="The list goes on behind the last record of a page, whatever left or entered it meanwhile.",
        rests="The records at the seams of pages: where a cursor counts records, one that is deleted hides another.",
        guard="None: such a list names no total. Windows overlap by `lookback`, and a wider sweep reads them again.",
        consequence="shorten `lookback`, so that a list fits one page, and report it",
    )
