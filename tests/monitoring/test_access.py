"""The page can be read on a phone, in the dark, by keyboard alone, and by somebody who sees none of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from poller.telemetry.status import GapStatus
from tests.monitoring.conftest import Tab
from tests.monitoring.picture import Served, behind, mixed, served, utc_now

Visit = Callable[..., Tab]

CONTRASTS = """() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgb = (colour) => {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = (colour) => {
        const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = rgb(colour).map((part) => linear(part / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (of) => {
        const colour = of ? getComputedStyle(of).backgroundColor : "white";
        return colour === "rgba(0, 0, 0, 0)" ? behind(of.parentElement) : colour;
    };
    const ratio = (front, back) => {
        const [low, high] = [light(front), light(back)].sort((one, other) => one - other);
        return (high + 0.05) / (low + 0.05);
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (texts.nextNode()) {
        const of = texts.currentNode.parentElement;
        if (texts.currentNode.data.trim() && of.checkVisibility())
            found.push([ratio(getComputedStyle(of).color, behind(of)), of.outerHTML.slice(0, 80)]);
    }
    const input = document.getElementById("filter"), chart = document.querySelector("path");
    found.push([ratio(getComputedStyle(input, "::placeholder").color, behind(input)), "placeholder"]);
    found.push([ratio(getComputedStyle(chart).stroke, behind(chart)) * 1.5, "chart"]);  // graphics: 3 will do
    return found;
}"""


@pytest.fixture
def house() -> Iterator[Served]:
    of = mixed(utc_now())
    of.telemetry.output_failed("bus", error="no route", retry_in=1.0)
    of.reasons = ["output bus is down: no route"]
    with served(of) as house:
        yield house


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_enough_in_the_light_and_in_the_dark(house: Served, visit: Visit, scheme: str) -> None:
    tab = visit(house.at, color_scheme=scheme)
    found: list[tuple[float, str]] = tab.page.evaluate(CONTRASTS)
    assert len(found) > 100
    assert [one for one in found if one[0] < 4.5] == []
    paper = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.parametrize(
    "width", [320, 1280, *(pytest.param(width, marks=pytest.mark.exhaustive) for width in (360, 768, 1089))]
)
def test_nothing_has_to_be_scrolled_sideways(house: Served, visit: Visit, width: int) -> None:
    of = house.of.streams[0]
    gap = GapStatus("live", utc_now(), utc_now(), "broken", utc_now())
    error = "live: " + "x" * 200
    house.of.streams[0] = replace(of, gaps=[gap] * 9, last_error=error, owner="poller-7f9c6d5b4-x2x4z-31337")
    tab = visit(house.at, viewport={"width": width, "height": 740}, has_touch=True)
    for details in tab.page.locator("summary").all():
        details.click()
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_shows_what_each_value_is(house: Served, visit: Visit) -> None:
    tab = visit(house.at, viewport={"width": 360, "height": 740})
    label = "getComputedStyle(document.querySelector('[data-label=Lag]'), '::before').content"
    assert '"Lag"' in tab.page.evaluate(label)


def focused(tab: Tab) -> str:
    return str(tab.page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))


def test_the_keyboard_reaches_everything_and_shows_where_it_is(house: Served, visit: Visit) -> None:
    tab = visit(house.at)
    tab.page.keyboard.press("Tab")
    assert focused(tab) == "Skip to trouble"
    assert tab.page.locator(".skip").bounding_box()["x"] >= 0
    tab.page.keyboard.press("Tab")
    assert focused(tab) == "filter"
    for _ in house.of.streams:
        tab.page.keyboard.press("Tab")
        shown: Any = tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert (tab.page.evaluate("document.activeElement.nodeName"), shown) == ("SUMMARY", "solid")
    tab.page.keyboard.press("Enter")
    assert tab.page.locator("details[open]").count() == 1


def test_trouble_is_one_key_away(house: Served, visit: Visit) -> None:
    tab = visit(house.at)
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("document.activeElement.id") == "s-acme-calls/calls"
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.parentElement.id") == "d-acme-calls/calls"


@pytest.mark.parametrize("width", [360, 1280])
def test_who_sees_nothing_hears_the_same(house: Served, visit: Visit, width: int) -> None:
    """On a phone, too, where the tables are not laid out as such."""
    tab = visit(house.at, viewport={"width": width, "height": 740})
    heard = tab.page.locator("body").aria_snapshot()
    for wanted in (
        '- status: "Not complete: nothing is delivered since',
        '- table "Streams, those in trouble first"',
        '- columnheader "What is wrong"',
        '- rowheader "acme-calls/calls"',
        '- cell "denied"',
        'img "Events a minute in the last hour:',
        '- searchbox "Show only"',
        '- table "Outputs"',
        '- cell "down"',
    ):
        assert wanted in heard, heard


def test_the_clock_alone_is_not_announced(house: Served, visit: Visit) -> None:
    house.of.reasons, house.of.streams = [], house.of.streams[6:]
    tab = visit(house.at)
    tab.page.evaluate("""() => {
        window.heard = 0;
        const heard = new MutationObserver((all) => { window.heard += all.length; });
        for (const place of document.querySelectorAll("[role=status], [aria-live], [role=alert]"))
            heard.observe(place, { subtree: true, childList: true, characterData: true });
    }""")
    verdict = tab.page.inner_text("h1")
    house.of.streams = [behind(of, 3.0, utc_now()) for of in house.of.streams]
    tab.update()
    assert tab.page.inner_text("h1") != verdict
    assert tab.page.evaluate("window.heard") == 0
    house.of.change("support-centre", "users", "denied")
    tab.update()
    assert tab.page.evaluate("window.heard") > 0
