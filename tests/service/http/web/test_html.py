import hashlib
import re
from base64 import b64encode

from astakos.http.web.html import STYLE, Html, html, page


def test_every_value_is_escaped_but_what_is_html() -> None:
    found = html('<a href="{}">{}</a>{}', 'x" onclick="y', "<script>&'", html("<b>{}</b>", "&"))
    assert found == ('<a href="x&quot; onclick=&quot;y">&lt;script&gt;&amp;&#x27;</a><b>&amp;</b>')
    assert isinstance(found, Html)
    assert html("{}", "{0.__class__} {}") == "{0.__class__} {}"


def test_a_page_may_run_nothing_and_load_nothing() -> None:
    answer = page("<Title>", html("<p>text</p>"))
    policy = answer.headers["Content-Security-Policy"]
    allowed = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert allowed["default-src"] == allowed["base-uri"] == allowed["frame-ancestors"] == "'none'"
    assert allowed["form-action"] == "'self'"
    assert "unsafe" not in policy
    text = answer.body.decode()
    (style,) = re.findall("<style>(.*)</style>", text, re.DOTALL)
    assert style == STYLE
    assert allowed["style-src"] == f"'sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"
    assert "<script" not in text
    assert "<title>&lt;Title&gt;</title>" in text
    assert '<html lang="en">' in text
