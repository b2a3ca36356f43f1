"""The page in a real browser: it updates itself without getting in its reader's way, and says when it cannot."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.commands.running import until
from tests.monitoring.conftest import Tab
from tests.monitoring.picture import Served, many, mixed, served, utc_now

Visit = Callable[..., Tab]
ROWS = "#streams tbody tr"


@pytest.fixture
def house() -> Iterator[Served]:
    with served(mixed(utc_now())) as house:
        yield house


@pytest.fixture
def crowd() -> Iterator[Served]:
    with served(many(utc_now())) as house:
        yield house


def first_row(tab: Tab) -> str:
    return str(tab.page.locator(ROWS).first.get_attribute("id"))


def test_it_updates_by_itself_and_the_newly_troubled_come_first(house: Served, visit: Visit) -> None:
    tab = visit(house.at)
    assert first_row(tab) == "s-acme-calls/calls"
    row = tab.page.locator("[id='s-clinics/calls']")
    row.evaluate("row => row.marked = true")
    house.of.change("clinics", "calls", "paused", "something new")
    tab.update()
    assert first_row(tab) == "s-clinics/calls"
    assert "something new" in row.inner_text()
    assert row.evaluate("row => row.marked"), "it is the very row of before, not another one"
    house.of.change("clinics", "calls", "ok")
    house.of.streams.pop(0)
    tab.update()
    assert first_row(tab) == "s-acme-leads/calls"
    assert tab.page.locator(ROWS).count() == 9
    assert tab.page.title().startswith("Not complete")


@pytest.mark.parametrize("modern", [True, False])
def test_focus_details_and_what_was_typed_stay(house: Served, visit: Visit, modern: bool) -> None:
    tab = visit(house.at)
    if not modern:
        tab.page.evaluate("delete Element.prototype.moveBefore")
    details = tab.page.locator("[id='d-crm/leads']")
    details.locator("summary").click()
    tab.page.fill("#filter", "crm")
    details.locator("summary").focus()
    house.of.change("crm", "leads", "paused")  # its row moves to the top
    tab.update()
    assert first_row(tab) == "s-crm/leads"
    assert details.get_attribute("open") is not None
    assert tab.page.evaluate("document.activeElement.parentElement.id") == "d-crm/leads"
    assert tab.page.input_value("#filter") == "crm"
    assert tab.page.locator(f"{ROWS}:visible").count() == 1


def test_the_scroll_stays_where_it_was(crowd: Served, visit: Visit) -> None:
    tab = visit(crowd.at)
    tab.page.evaluate("scrollTo(0, 6000)")
    row = tab.page.locator("[id='s-tenant-200/calls']")
    row.scroll_into_view_if_needed()
    before = row.bounding_box()
    tab.update()
    assert row.bounding_box() == before


@pytest.mark.long
def test_500_streams_are_shown_anew_in_a_fifth_of_a_second(crowd: Served, visit: Visit) -> None:
    """Every cell of times differs. A busy machine gets a whole second; something quadratic would take many."""
    tab = visit(crowd.at, clock=False)
    took = tab.page.evaluate("""async () => {
        const text = await (await fetch("/")).text(), took = [];
        for (let n = 0; n < 5; n++) {
            const other = text.replaceAll(" ago", `${n} ago`), began = performance.now();
            show(other);
            document.body.offsetHeight;
            took.push(performance.now() - began);
        }
        return took;
    }""")
    assert min(took) < 1000


def test_it_asks_less_often_where_an_answer_takes_long(house: Served, visit: Visit) -> None:
    tab = visit(house.at)
    assert tab.page.evaluate("[pace(10), pace(1_000)]") == [5_000, 20_000]


def test_the_filter_finds_by_source_state_and_fault(crowd: Served, visit: Visit) -> None:
    tab = visit(crowd.at)
    shown = tab.page.locator(f"{ROWS}:visible")
    for words, number in (("tenant-12", 10), ("late", 10), ("LATE tenant-4", 2), ("fault: vendor", 10), ("", 500)):
        tab.page.fill("#filter", words)
        assert shown.count() == number, words
    tab.page.fill("#filter", "tenant-4 late")
    assert "2 of 500 shown" in tab.page.inner_text("#finder")
    crowd.of.change("tenant-401", "calls", "late")
    tab.until(lambda: shown.count() == 3, "a third row")  # of 500 rows an answer may be on its way, with two


def test_it_says_since_when_the_poller_gives_no_answer(visit: Visit) -> None:
    with served(mixed(utc_now())) as house:
        tab = visit(house.at)
        last = tab.told_at
    said = tab.page.locator("#said")
    tab.until(lambda: "No answer" in said.inner_text(), "a word that it is gone")
    assert said.inner_text() == f"No answer since {last}: what stands below is from then"
    assert tab.page.title() == "No answer - poller"
    assert tab.page.locator(ROWS).count() == 10, "what is known is still shown"
    assert all("ERR_" in said or "No answer" in said for said in tab.complaints)
    tab.complaints.clear()


def test_an_answer_that_is_an_error_is_none_and_it_recovers(house: Served, visit: Visit) -> None:
    tab = visit(house.at)
    house.of.broken = True
    said = tab.page.locator("#said")
    tab.until(lambda: "No answer" in said.inner_text(), "a word that it is gone")
    house.of.broken = False
    tab.until(lambda: "Not complete: acme-calls/calls" in said.inner_text(), "the verdict")
    assert tab.page.title() == "Not complete - poller"
    assert tab.page.get_attribute("#live", "class") is None
    assert all("500" in said for said in tab.complaints)
    tab.complaints.clear()


def test_nobody_looks_so_nothing_is_asked(house: Served, visit: Visit) -> None:
    tab = visit(house.at)
    tab.page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    before = tab.told_at
    time.sleep(1.1)  # so that an answer would show another moment
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    for _ in range(5):
        tab.page.clock.fast_forward(5_500)
    assert (asked, tab.told_at) == ([], before)
    tab.page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    until(lambda: tab.told_at != before, "an update at once")


def test_without_scripts_it_comes_anew_by_itself(house: Served, visit: Visit) -> None:
    tab = visit(house.at, java_script_enabled=False)
    assert tab.page.locator("#finder").is_hidden()
    assert "acme-calls" in tab.page.inner_text("#streams")
    assert tab.page.locator("meta[http-equiv=refresh]").get_attribute("content") == "10"


def test_a_script_of_somebody_else_does_not_run(house: Served, visit: Visit) -> None:
    tab = visit(house.at)
    tab.page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'mine'";
        document.body.append(script);
    }""")
    assert tab.page.title() != "mine"
    assert any("Content Security Policy" in said for said in tab.complaints)
    tab.complaints.clear()
