"""The same list, read by a declarative source of Airbyte's CDK to standard output: `airbyte_peer.py ADDRESS FOLDER`.

See https://docs.airbyte.com/platform/connector-development/config-based/understanding-the-yaml-file/yaml-overview
"""

import json
import sys
from pathlib import Path
from typing import Any

from airbyte_cdk.cli.source_declarative_manifest import run

QUERY = {"search_range": "custom", "search_last_modified_start": "2026-01-01 00:00", "detail": "all", "show": "1000"}


def manifest(address: str) -> dict[str, Any]:
    pages = {
        "type": "DefaultPaginator",
        "page_token_option": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "page"},
        "pagination_strategy": {
            "type": "CursorPagination",
            "cursor_value": "{{ response['pagination']['page'] + 1 }}",
            "stop_condition": "{{ response['pagination']['page'] >= response['pagination']['last_page'] }}",
        },
    }
    retriever = {
        "type": "SimpleRetriever",
        "requester": {
            "type": "HttpRequester",
            "url_base": address,
            "path": "/v2/get/calls/",
            "http_method": "GET",
            "request_parameters": QUERY,
        },
        "record_selector": {
            "type": "RecordSelector",
            "extractor": {"type": "DpathExtractor", "field_path": ["call"]},
        },
        "paginator": pages,
    }
    schema = {"type": "InlineSchemaLoader", "schema": {"type": "object", "additionalProperties": True}}
    calls = {"type": "DeclarativeStream", "name": "calls", "primary_key": "call_id", "retriever": retriever}
    return {
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["calls"]},
        "streams": [{**calls, "schema_loader": schema}],
        "spec": {"type": "Spec", "connection_specification": {"type": "object", "properties": {}}},
    }


def main(address: str, folder: Path) -> None:
    folder.mkdir()
    stream = {"name": "calls", "json_schema": {"type": "object"}, "supported_sync_modes": ["full_refresh"]}
    chosen = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append"}
    (folder / "config.json").write_text(json.dumps({"__injected_declarative_manifest": manifest(address)}))
    (folder / "catalog.json").write_text(json.dumps({"streams": [chosen]}))
    sys.argv[1:] = ["read", "--config", f"{folder}/config.json", "--catalog", f"{folder}/catalog.json"]
    run()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
