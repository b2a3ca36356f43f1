"""A browser before a real running poller: what happens to it is on the page, and its end too."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.commands.running import HASTY, SECRETS, House, callcap, flextell, until
from tests.commands.vendors import serving
from tests.monitoring.conftest import Tab


def test_a_night_in_the_life_of_a_poller(tmp_path: Path, visit: Callable[..., Tab]) -> None:
    with serving() as vendors:
        house = House(tmp_path, {"acme": callcap(vendors.at), "crm": flextell(vendors.at)})
        with house.start("run", before=HASTY) as poller:
            until(partial(house.has, "acme", vendors.holds("callcap")), "what callcap holds")
            until(partial(house.has, "crm", vendors.holds("flextell")), "what flextell holds")
            tab = visit(str(poller.until_log("poller.started")["page"]))
            said, page = tab.page.locator("#said"), tab.page
            tab.until(lambda: said.inner_text() == "Complete", "peace")
            assert page.locator("h1").get_attribute("class") == "good"
            assert "in all" in str(page.locator("[id='s-acme/calls'] svg").get_attribute("aria-label"))
            vendors.vices({"flextell": {"forbidden": 1.0}})
            tab.until(lambda: "Not complete: crm/leads since" in said.inner_text(), "the refusal")
            assert said.inner_text().endswith("the vendor refuses our credential")
            row = page.locator("#streams tbody tr").first.inner_text()
            assert "fault: configuration" in row
            assert "HTTP 403" in row
            with house.no_room(poller):
                vendors.put("callcap")
                tab.until(lambda: "nothing is delivered since" in said.inner_text(), "the output")
                assert "output files is down" in said.inner_text()
                assert "down" in page.inner_text("[id='o-files']")
            tab.until(lambda: "Not complete: crm/leads since" in said.inner_text(), "the output's return")
            shown = page.content()
            assert not [secret for secret in SECRETS if secret in shown]
            assert poller.stop() == 0
            tab.until(lambda: "No answer since" in said.inner_text(), "the end")
            assert all("ERR_" in said or "No answer" in said for said in tab.complaints)
            tab.complaints.clear()
