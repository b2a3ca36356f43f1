"""All sloppy kinds by name, and the one function that lets those that strike change an answer."""

from collections.abc import Callable, Mapping

import orjson

from poller.sandbox.sloppy.bodies import BODIES, DATES
from poller.sandbox.sloppy.lists import LISTS
from poller.sandbox.sloppy.reply import Reply
from poller.sandbox.sloppy.times import TIMES
from poller.sandbox.sloppy.values import VALUES

ANOTHER = "another_spelling"
SPELLINGS = tuple(
    name
    for name in (*VALUES, *TIMES, "other_key_order", "repeated_keys")
    if name not in {"not_a_number", "infinity", "minus_infinity", "beyond_double"}
)
"""The spellings of which `another_spelling` takes one for each answer."""
DOCUMENTS = {**VALUES, **TIMES, **LISTS}
"""The kinds that change a document, in the order in which they do; several may strike one answer."""
IN_DOUBLES: Mapping[str, str] = {
    "size_capped": "no page has more than 50 rows, and it says so where it says its size",
    "last_uncounted": "the last record has the second page to itself, and the total leaves it out (callcap, flextell)",
    "stray_row": "the oldest record there is comes on every list, asked for or not (but agendize's sync)",
}
ON_THE_WIRE: Mapping[str, str] = {
    "retry_after_a_year": "429 with a Retry-After of a year",
    "answer_twice": "the answer comes twice on its connection",
    "closed_when_reused": "a kept-alive connection is closed when the next request comes on it",
}
SLOPPY: Mapping[str, str] = {
    **{name: line for name, (line, _) in {**DOCUMENTS, **BODIES, **DATES}.items()},
    ANOTHER: "each answer spells its records in another way",
    **IN_DOUBLES,
    **ON_THE_WIRE,
}
"""Every kind and its line."""


def apply_kinds(reply: Reply, strikes: Callable[[str], bool]) -> bool:
    """Let each kind that strikes change this answer, and write its body; return False if none did."""
    names = [name for name in DOCUMENTS if strikes(name)]
    if strikes(ANOTHER):
        names.insert(0, reply.rng.choice(SPELLINGS))
    body = next((name for name in BODIES if strikes(name)), None)
    date = next((name for name in DATES if strikes(name)), None)
    for name in names:
        DOCUMENTS[name][1](reply)
    if names or body:
        reply.body = orjson.dumps(reply.document)
        reply.headers["content-type"] = "application/json"
    if body:
        BODIES[body][1](reply)
    if date:
        DATES[date][1](reply)
    return bool(names or body or date)
