"""Visits pages over HTTP with a parser of HTML: no scripts, no styles, every form as browsers send it."""

from collections.abc import Iterator
from urllib.parse import urlencode, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from pages.scene import Scene
from service.browser import Browser
from service.caller import Reply

REGIONS = "tr, li, section, fieldset"
NOT_SENT = ("checkbox", "radio", "submit", "button")


class HttpVisitor:
    """See `Visitor`."""

    def __init__(self, scene: Scene) -> None:
        self._browser = Browser(scene.caller, base_url=scene.base_url)
        self._address = scene.base_url
        self._filled: dict[tuple[int, str], str | None] = {}

    @property
    def path(self) -> str:
        return self._address.removeprefix(self._browser.base_url)

    @property
    def status(self) -> int:
        return self._reply.status

    @property
    def heading(self) -> str:
        found = self._page.css_first("h1")
        assert found is not None
        return _text(found)

    @property
    def text(self) -> str:
        found = self._page.css_first("main")
        assert found is not None
        return _text(found)

    def open(self, path: str) -> None:
        self._send("GET", f"{self._browser.base_url}{path}")

    def follow(self, link: str, within: str = "") -> None:
        found = self._one("a[href]", link, within)
        self._send("GET", urljoin(self._address, found.attributes["href"] or ""))

    def administer(self, entry: str) -> None:
        self.follow(entry)

    def unfold(self, summary: str) -> None:
        self._one("summary", summary)

    def fill(self, label: str, value: str) -> None:
        self._set(self._field(label), value)

    def choose(self, label: str, option: str) -> None:
        field = self._field(label)
        (chosen,) = (one for one in field.css("option") if _text(one) == option)
        self._set(field, _value(chosen))

    def check(self, label: str) -> None:
        field = self._field(label)
        self._set(field, field.attributes.get("value") or "on")

    def press(self, button: str, within: str = "") -> None:
        found = self._one("button", button, within)
        assert found.attributes.get("type", "submit") == "submit"
        form = _form_of(found)
        fields = dict(self._fields(form))
        name = found.attributes.get("name")
        if name:
            fields[name] = found.attributes.get("value") or ""
        address = urljoin(self._address, form.attributes.get("action") or "")
        if (form.attributes.get("method") or "get").lower() == "get":
            self._send("GET", f"{address.partition('?')[0]}?{urlencode(fields)}")
        else:
            self._send("POST", address, fields)

    def _send(self, method: str, address: str, form: dict[str, str] | None = None) -> None:
        referer, own = self._address, urlsplit(self._browser.base_url)
        origin = {"Origin": f"{own.scheme}://{own.netloc}"} if method == "POST" else {}
        for _ in range(10):
            reply = self._browser.send(method, address, form, Referer=referer, **origin)
            location = reply.headers.get("location", "")
            if reply.status not in (301, 302):
                self._show(reply, address)
                return
            assert location.startswith(f"{self._browser.base_url}/"), f"it leads elsewhere: {location}"
            method, form, origin, address = "GET", None, {}, location
        raise AssertionError("it leads on and on")

    def _show(self, reply: Reply, address: str) -> None:
        assert reply.headers["content-type"] == "text/html; charset=utf-8", reply.headers["content-type"]
        text = reply.content.decode()
        assert "style=" not in text
        assert "<style" not in text
        self._reply, self._address, self._page = reply, address, LexborHTMLParser(text)
        identifiers = [one.attributes["id"] for one in self._page.css("[id]")]
        assert len(identifiers) == len(set(identifiers)), "an id is there twice"
        self._filled = {}

    def _one(self, selector: str, name: str, within: str = "") -> LexborNode:
        """The first of this name: on the page, or in the last region that has the text and one of these."""
        places = [self._page.root]
        if within:
            places = [one for one in self._page.css(REGIONS) if within in _text(one)]
            assert places, f"nothing says {within!r} in: {self.text}"
        for place in reversed(places):
            assert place is not None
            for one in place.css(selector):
                if name in (_text(one), one.attributes.get("aria-label")):
                    return one
        raise AssertionError(f"there is no {name!r} at {self.path}: {self.text}")

    def _field(self, label: str) -> LexborNode:
        found = self._one("label", label)
        identifier = found.attributes.get("for")
        field = self._page.css_first(f'[id="{identifier}"]' if identifier else "*")
        if not identifier:
            field = found.css_first("input, select, textarea")
        assert field is not None, f"the label {label!r} has no field"
        return field

    def _set(self, field: LexborNode, value: str) -> None:
        self._filled[_form_of(field).mem_id, field.attributes["name"] or ""] = value

    def _fields(self, form: LexborNode) -> Iterator[tuple[str, str]]:
        for one in form.css("input, select, textarea"):
            name = one.attributes.get("name")
            if not name:
                continue
            filled = self._filled.get((form.mem_id, name))
            if filled is not None:
                yield name, filled
            elif one.tag == "textarea":
                yield name, one.text()
            elif one.tag == "select":
                options = one.css("option[selected]") or one.css("option")
                yield name, _value(options[0])
            elif "checked" in one.attributes or one.attributes.get("type") not in NOT_SENT:
                yield name, one.attributes.get("value") or ""


def _text(node: LexborNode) -> str:
    return " ".join(node.text().split())


def _value(option: LexborNode) -> str:
    # An empty value is none to the parser.
    attributes = option.attributes
    return attributes["value"] or "" if "value" in attributes else _text(option)


def _form_of(node: LexborNode) -> LexborNode:
    found: LexborNode | None = node
    while found is not None and found.tag != "form":
        found = found.parent
    assert found is not None, "it is in no form"
    return found
