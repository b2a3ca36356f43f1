"""The limit: read the pages of a list, write every record, and nothing else.

`echo.py URL PAGES KEY OUT [AUTHORITY]`: `{}` in the URL is the number of the page, `KEY` names the list in an answer,
`AUTHORITY` is a file with the certificate to trust.
"""

import ssl
import sys
from pathlib import Path

import httpx
import orjson


def main(url: str, pages: int, key: str, out: Path, authority: str = "") -> None:
    trusted = ssl.create_default_context(cafile=authority) if authority else True
    with httpx.Client(verify=trusted) as client, out.open("wb") as file:
        for page in range(1, pages + 1):
            for record in orjson.loads(client.get(url.format(page)).content)[key]:
                file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), *sys.argv[5:])
