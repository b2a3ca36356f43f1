"""What is joined by what its lines share is what one line after another would be, each written by itself."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from poller.telemetry.metrics import Counter, Family, Histogram, Labels, StateSet

BOUNDS = (0.01, 0.5, 1, 2.5, 60)
STATES = ("paused", "late", "ok")
NAMES = st.sampled_from(["", "a", "b{}", "%s", "\0", 'q"', "\\n", "\n\né"])
LABELS = st.tuples(NAMES, st.just("calls"))
VALUES = st.floats(0.001, 1e12) | st.integers(0, 10).map(float) | st.sampled_from([0.1, 1800000000.371313])


def line(name: str, labels: Iterable[tuple[str, str]], value: float) -> str:
    signs = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
    pairs = [f'{label}="{"".join(signs.get(sign, sign) for sign in text)}"' for label, text in labels]
    return name + (f"{{{','.join(pairs)}}}" if pairs else "") + f" {value!r}\n"


def named(labels: Labels) -> Iterator[tuple[str, str]]:
    return zip(("source", "stream"), labels, strict=False)


def plain_row(labels: Labels, values: Sequence[float]) -> str:
    counts = [sum(1 for value in values if value <= bound) for bound in BOUNDS] + [len(values)]
    bounds = [*map(str, map(float, BOUNDS)), "+Inf"]
    buckets = [
        line("m_bucket", [("le", bound), *named(labels)], float(count))
        for bound, count in zip(bounds, counts, strict=True)
    ]
    total = [0.0, *accumulate(values, initial=0.0)][-1]
    return "".join(buckets) + line("m_count", named(labels), float(len(values))) + line("m_sum", named(labels), total)


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers(value: float) -> None:
    """Very large and very small ones are spelt otherwise than by `repr`, and are the same."""
    text = Family("m", "Help.", ("source",)).block(["pairs"], [value])
    assert float(text.rpartition(" ")[2]) == value


@settings(deadline=None)
@given(st.lists(st.tuples(LABELS, VALUES)), st.lists(LABELS, unique=True, max_size=3))
def test_counters(adds: list[tuple[Labels, float]], known: list[Labels]) -> None:
    counter, plain = Counter("m", "Help.", ("source", "stream")), defaultdict[Labels, float](float)
    for labels, by in adds:
        counter.add(by, *labels)
        if by:
            plain[labels] += by
    ordered = [*known, *(labels for labels in plain if labels not in known)]
    found = "".join(counter.lines([(known, [counter.written(labels) for labels in known])]))
    assert found == "".join(line("m", named(labels), plain[labels]) for labels in ordered)


@settings(deadline=None)
@given(
    st.lists(st.tuples(LABELS, st.lists(st.sampled_from([0.0, 0.01, 0.3, 1, 1.5, 60, 61]) | VALUES, min_size=1))),
    st.lists(LABELS, unique=True, max_size=3),
)
def test_histograms(observed: list[tuple[Labels, list[float]]], known: list[Labels]) -> None:
    histogram, plain = Histogram("m", "Help.", ("source", "stream"), BOUNDS), defaultdict[Labels, list[float]](list)
    for labels, values in observed:
        for value in values:
            histogram.observe(value, *labels)
        plain[labels] += values
    ordered = [*known, *(labels for labels in plain if labels not in known)]
    found = "".join(histogram.lines([(known, [histogram.written(labels) for labels in known])]))
    assert found == "".join(plain_row(labels, plain[labels]) for labels in ordered)


@settings(deadline=None)
@given(st.lists(VALUES))
def test_a_histogram_without_labels(values: list[float]) -> None:
    histogram = Histogram("m", "Help.", (), BOUNDS)
    for value in values:
        histogram.observe(value)
    assert "".join(histogram.lines([([()], [""])])) == plain_row((), values)


@settings(deadline=None)
@given(st.lists(st.tuples(LABELS, VALUES, st.sampled_from(STATES)), max_size=5))
def test_gauges(things: list[tuple[Labels, float, str]]) -> None:
    gauge, states = Family("m", "Help.", ("source", "stream")), StateSet("m", "Help.", ("state", "s"), STATES)
    pairs = [gauge.written(labels) for labels, *_ in things]
    expected = "".join(line("m", named(labels), value) for labels, value, _ in things)
    assert gauge.block(pairs, [value for _, value, _ in things]) == expected
    expected = "".join(
        line("m", [("state", state), *named(labels)], float(state == found))
        for labels, _, found in things
        for state in STATES
    )
    assert states.states(pairs, [found for *_, found in things]) == expected
