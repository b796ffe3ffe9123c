"""The media types that the API accepts and returns."""

from typing import Final

JSON_TYPE: Final = "application/json"
XML_TYPE: Final = "application/xml"
HTML_TYPE: Final = "text/html"
PLAIN_TYPE: Final = "text/plain"
SCRIPT_TYPE: Final = "application/javascript"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
MULTIPART_TYPE: Final = "multipart/form-data"

JSON_UTF8: Final = f"{JSON_TYPE}; charset=UTF-8"
XML_UTF8: Final = f"{XML_TYPE}; charset=UTF-8"
HTML_UTF8: Final = f"{HTML_TYPE}; charset=utf-8"
PLAIN_UTF8: Final = f"{PLAIN_TYPE}; charset=utf-8"
