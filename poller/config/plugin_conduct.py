"""What is asked of the types that other packages bring, before anything starts: what their methods give is what it is
said to be. A mistake is told once, at its place of the configuration, and not by whatever meets it later.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from outputs import OutputConfig
from poller.plugin.credentials import Credential
from poller.plugin.source import Source


def judge_source(source: Source) -> str | None:
    """Return what is wrong with the streams or the credential that a source gives; None where nothing is."""
    return next(_objections(source), None)


def _objections(source: Source) -> Iterator[str]:
    streams = source.built_streams
    if not streams:
        yield "gives no streams"
    if twice := _first_repeated(stream.name for stream in streams):
        yield f"gives two streams of the name {twice!r}"
    for stream in streams:
        if not stream.sweeps:
            yield f"gives a stream {stream.name!r} without sweeps"
        if twice := _first_repeated(sweep.name for sweep in stream.sweeps):
            yield f"gives its stream {stream.name!r} two sweeps of the name {twice!r}"
    if not isinstance(source.credential(), get_args(Credential)):
        yield f"gives a credential that is no {' or '.join(kind.__name__ for kind in get_args(Credential))}"


def judge_output(output: OutputConfig) -> str | None:
    """Return what is wrong with the destinations that an output names; None where nothing is."""
    found: object = output.destinations()
    if isinstance(found, Sequence) and not isinstance(found, str) and all(isinstance(one, str) for one in found):
        return None
    return "names destinations that are no list of texts"


def _first_repeated(names: Iterable[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)
