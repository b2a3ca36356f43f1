"""The credentials that let a poller into the simulated vendors: they are made up, and the same for everybody."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml

from poller.sandbox.vendors import agendize
from poller.sandbox.vendors.agendize_records import COMPANY_ZONE
from poller.sandbox.vendors.callcap import API_KEY
from poller.sandbox.vendors.flextell import ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TENANT
from poller.sandbox.vendors.helpdesk import TOKEN as HELPDESK_TOKEN
from poller.sandbox.vendors.ipscape import TOKEN
from poller.sandbox.vendors.trackdrive import PRIVATE_KEY, PUBLIC_KEY

DESCRIBED = "helpdesk"
"""The vendor that no file of poller's knows: it is described in `helpdesk.yaml` beside this file."""
_TEXT = files("poller.sandbox").joinpath("helpdesk.yaml").read_text(encoding="utf-8")

ACCOUNTS: Mapping[str, Mapping[str, Any]] = {
    "agendize": {
        "base_url": "/agendize/api/2.0",
        "api_key": agendize.API_KEY,
        "token": agendize.TOKEN,
        "timezone": COMPANY_ZONE,
    },
    "callcap": {"base_url": "/callcap", "api_key": API_KEY},
    "flextell": {
        "base_url": "/flextell/api/v1",
        "token_url": "/flextell/oauth/token",
        "tenant": TENANT,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
    },
    DESCRIBED: {**yaml.safe_load(_TEXT)["sources"]["desk"], "base_url": "/helpdesk/v1"},
    "ipscape": {"base_url": "/ipscape/platform-api", "token": TOKEN},
    "trackdrive": {"base_url": "/trackdrive", "public_key": PUBLIC_KEY, "private_key": PRIVATE_KEY},
}
"""The settings that each vendor of the sandbox needs, by its name; addresses are within the sandbox."""


def account(at: str, vendor: str) -> dict[str, Any]:
    """Return the configuration of an account of this vendor in the sandbox at this origin."""
    known = {key: f"{at}{value}" if key.endswith("_url") else value for key, value in ACCOUNTS[vendor].items()}
    return {"type": vendor, **known}


CREDENTIALS = (
    f"callcap under /callcap (api_key {API_KEY}); "
    f"flextell under /flextell/api/v1 (tenant {TENANT}, access_token {ACCESS_TOKEN}; or token_url "
    f"/flextell/oauth/token, client_id {CLIENT_ID}, client_secret {CLIENT_SECRET}, refresh_token {REFRESH_TOKEN}); "
    f"helpdesk under /helpdesk/v1 (token {HELPDESK_TOKEN}; described by type: rest, docs/sandbox.md); "
    f"trackdrive under /trackdrive (public_key {PUBLIC_KEY}, private_key {PRIVATE_KEY}); "
    f"ipscape under /ipscape/platform-api (token {TOKEN}); "
    f"agendize under /agendize/api/2.0 (api_key {agendize.API_KEY}, token {agendize.TOKEN}, timezone {COMPANY_ZONE})"
)
"""The addresses of the simulated vendors, and the made-up credentials that let a poller in, the same for everybody."""
