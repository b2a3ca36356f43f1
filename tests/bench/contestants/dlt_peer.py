"""The same list, read by dlt's REST source into files of JSON lines: `dlt_peer.py ADDRESS OUT`.

See https://dlthub.com/docs/dlt-ecosystem/verified-sources/rest_api/basic
"""

import os
import sys

import dlt
from dlt.sources.rest_api import rest_api_source

QUERY = {"search_range": "custom", "search_last_modified_start": "2026-01-01 00:00", "detail": "all", "show": "1000"}
PAGES = {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": "pagination.last_page"}


def main(address: str, out: str) -> None:
    os.environ["NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION"] = "true"  # as the others write
    calls = {
        "name": "calls",
        "primary_key": "call_id",
        "endpoint": {"path": "v2/get/calls/", "params": QUERY, "data_selector": "call", "paginator": PAGES},
    }
    source = rest_api_source({"client": {"base_url": f"{address}/"}, "resources": [calls]})
    files = dlt.destinations.filesystem(bucket_url=f"file://{out}")
    pipeline = dlt.pipeline("bench", pipelines_dir=f"{out}/work", destination=files, dataset_name="calls")
    pipeline.run(source, loader_file_format="jsonl")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
