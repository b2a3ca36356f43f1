"""The same list, read by a tap of Meltano's singer-sdk to standard output: `singer_peer.py ADDRESS`.

See https://sdk.meltano.com/en/latest/dev_guide.html
"""

import sys
from typing import Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import PageNumberPaginator

QUERY = {"search_range": "custom", "search_last_modified_start": "2026-01-01 00:00", "detail": "all", "show": "1000"}
TEXT, NUMBER, TREE = th.StringType, th.NumberType, th.ObjectType(additional_properties=True)
FIELDS = {
    **dict.fromkeys(("call_id", "recording", "action", "start_datetime", "end_datetime", "last_modified"), TEXT),
    **dict.fromkeys(("dtmf",), TEXT),
    **dict.fromkeys(("duration", "rings", "revenue"), NUMBER),
    **dict.fromkeys(("caller", "callsurance", "webmatch", "sentiment", "accounts"), TREE),
}


class Pages(PageNumberPaginator):
    def has_more(self, response: Any) -> bool:
        found = response.json()["pagination"]
        return bool(found["page"] < found["last_page"])


class Calls(RESTStream):
    name = "calls"
    path = "/v2/get/calls/"
    primary_keys = ("call_id",)
    records_jsonpath = "$.call[*]"
    schema = th.PropertiesList(*(th.Property(name, kind) for name, kind in FIELDS.items())).to_dict()

    @property
    def url_base(self) -> str:
        return str(self.config["address"])

    def get_new_paginator(self) -> Pages:
        return Pages(1)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:
        return {**QUERY, "page": next_page_token or 1}


class TapCallcap(Tap):
    name = "tap-callcap"
    config_jsonschema = th.PropertiesList(th.Property("address", TEXT, required=True)).to_dict()

    def discover_streams(self) -> list[Calls]:
        return [Calls(self)]


if __name__ == "__main__":
    TapCallcap(config={"address": sys.argv[1]}, validate_config=True).sync_all()
