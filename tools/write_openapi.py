"""Writes the OpenAPI document of the API, so that a change of what callers see is seen in review::

python tools/write_openapi.py            # writes docs/openapi.json
python tools/write_openapi.py --check    # says whether it is out of date, and fails if it is
"""

import json
import sys
from pathlib import Path

from astakos.http.openapi.document import openapi_document
from astakos.http.routes import all_methods, announced

STORED = Path(__file__).parent.parent / "docs" / "openapi.json"
BASE_URL = "http://127.0.0.1:8000"
"""What `astakos serve` answers at if it is not told otherwise."""


def current_document() -> str:
    """The document of this code, without its version."""
    document = openapi_document(all_methods(), announced, BASE_URL)
    document["info"]["version"] = "of this code"
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write, or check."""
    made = current_document()
    if sys.argv[1:] == ["--check"]:
        if STORED.read_text("utf-8") != made:
            sys.exit("docs/openapi.json is out of date; run: python tools/write_openapi.py")
    else:
        STORED.write_text(made, "utf-8")


if __name__ == "__main__":
    main()
