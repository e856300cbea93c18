"""Health checks: `python healthy.py URL` wants a 2xx, `python healthy.py URL PART` a JSON that has the part.

Where Airflow's report has it, it must be healthy there. Where the API's has `release`, one is loaded and it can answer,
even though it is not ready: Postgres is away, maybe.
"""

import json
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

SECONDS = 3


def main(url: str, part: str = "") -> int:
    """The exit code. Raises: OSError, ValueError where nobody answers in time, or not so."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=SECONDS)
    connection.request("GET", parts.path or "/")
    response = connection.getresponse()
    if not part:
        return 0 if 200 <= response.status < 300 else 1
    found = json.load(response).get(part)
    return 0 if (found.get("status") == "healthy" if isinstance(found, dict) else found is not None) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (OSError, ValueError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
