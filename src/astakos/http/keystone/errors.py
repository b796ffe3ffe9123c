"""Errors in Keystone's format, the only one that its clients understand."""

from astakos.http.faults import CHALLENGE_HEADER, Fault
from astakos.http.media_types import JSON_TYPE
from astakos.http.request import Answer
from astakos.http.serialization import to_json
from astakos.http.status_phrases import phrase_of

PREFIX = "/identity/v3"


def is_keystone_path(path: str) -> bool:
    """Returns whether a path below the base URL belongs to the Keystone API."""
    return path == PREFIX or path.startswith(PREFIX + "/")


def error_answer(fault: Fault, base_url: str) -> Answer:
    """Returns a fault in Keystone's format. A 401 says where to authenticate."""
    error = {"code": fault.status, "message": fault.message, "title": phrase_of(fault.status)}
    headers = dict(fault.headers)
    if fault.status == 401:
        headers[CHALLENGE_HEADER] = f'Keystone uri="{base_url}{PREFIX}", {headers[CHALLENGE_HEADER]}'
    return Answer(fault.status, to_json({"error": error}), JSON_TYPE, headers)
