"""Every vice of the sandbox at once, none so often that nothing gets through."""

from poller.sandbox.sloppy.kinds import SLOPPY
from poller.sandbox.world.vices import RATES

NEVER = {"sick_replica"}
"""Vices that are documented answers which lie: a poller cannot see that, so these runs leave them out."""
OFTEN = {"token_rotation", "empty_404", "signed_recordings", "foreign_next", "short_end_day", "pretty_body"}
SELDOM = {
    "unauthorized": 0.002,
    "forbidden": 0.002,
    "wrong_page_size": 0.02,
    "wrong_zone": 0.02,
    "broken_record": 0.02,
    **{kind: 0.005 for kind in SLOPPY if kind not in {"answer_twice", "closed_when_reused"}},
    "retry_after_a_year": 0,  # a day of silence
    "csv_imports": 0.001,  # each one brings hundreds of leads
}
AMOUNTS = {
    "replica_seconds": 5.0,
    "stall_seconds": 5.0,
    "retry_seconds": 1.0,
    "slide_seconds": 5.0,
    "token_seconds": 5.0,
}


def vices() -> dict[str, dict[str, float]]:
    """Return every vice at once, none so often that nothing gets through."""
    rates = {name: 1.0 if name in OFTEN else SELDOM.get(name, 0.01) for name in RATES if name not in NEVER}
    rates |= {"shifting_pages": 0.1, "tied_stamps": 0.2, "lagging_replica": 0.1}
    return {"*": rates | AMOUNTS}
