"""A browser that runs no scripts: it keeps cookies, follows where it is asked to, and fills in forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

from service.caller import Caller, Reply
from service.world import BASE_URL

FORM = "application/x-www-form-urlencoded"
SESSION = "__Secure-astakos_session"
KNOWN_BROWSER = "__Host-astakos_browser.astakos"
HTML = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"


@dataclass
class Page:
    """What a page holds: texts, links, and the fields of its form."""

    text: str = ""
    title: str = ""
    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def proof(self) -> dict[str, str]:
        """What its own form carries besides what people fill in: the CSRF token and the number."""
        return {name: self.fields[name] for name in ("csrf_token", "sending")}

    def links(self) -> list[str]:
        return [attributes.get("href", "") for name, attributes in self.elements if name == "a"]

    def element(self, identifier: str) -> Mapping[str, str]:
        (found,) = (attributes for _, attributes in self.elements if attributes.get("id") == identifier)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._inside = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.page.elements.append((tag, found))
        self._inside = tag
        if tag == "form":
            # The last form of a page is its own; those before are in its frame.
            self.page.action, self.page.fields = found.get("action", ""), {}
        if tag == "input":
            self.page.fields[found["name"]] = found.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.page.title += data.strip().removesuffix(" · Astakos")
        else:
            self.page.text += data


def page_of(reply: Reply) -> Page:
    """A page, as a parser reads it."""
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    reader = _Reader()
    reader.feed(reply.content.decode())
    return reader.page


@dataclass
class Browser:
    """Visits pages of one service by their address as the service names them."""

    caller: Caller
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookies: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=lambda: {"Accept": HTML})
    base_url: str = BASE_URL

    def send(self, method: str, address: str, form: Mapping[str, str] | None = None, **headers: str) -> Reply:
        """One request, and no more; where the reply leads to is told as the whole address."""
        path = urljoin(self.base_url, address).removeprefix(self.base_url)
        assert path.startswith("/"), address
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None if form is None else urlencode(form).encode()
        if form is not None:
            sent.setdefault("Content-Type", FORM)
        reply = self.caller(method, path, body=body, headers=sent)
        self._keep(reply)
        if "location" not in reply.headers:
            return reply
        location = urljoin(f"{self.base_url}{path}", reply.headers["location"])
        return replace(reply, headers={**reply.headers, "location": location})

    def _keep(self, reply: Reply) -> None:
        self.set_cookies = list(reply.all("set-cookie"))
        for line in self.set_cookies:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value

    def visit(self, address: str, **headers: str) -> Reply:
        """Goes to a page, and wherever that leads to within the service."""
        return self._followed(self.send("GET", address, None, **headers))

    def submit(self, page: Reply, **values: str) -> Reply:
        """Fills in the form of a page, sends it, and goes wherever that leads to within the service."""
        found = page_of(page)
        return self._followed(self.send("POST", found.action, found.fields | values))

    def log_in(self, email: str, password: str, following: str = "") -> Reply:
        """Logs in as people do."""
        query = f"?{urlencode({'next': following})}" if following else ""
        page = self.visit(f"{self.base_url}/ui/login{query}")
        return self.submit(page, username=email, password=password)

    def _followed(self, reply: Reply) -> Reply:
        for _ in range(10):
            location = reply.headers.get("location", "")
            if reply.status not in (301, 302) or not location.startswith(f"{self.base_url}/"):
                return reply
            reply = self.send("GET", location)
        raise AssertionError("it leads on and on")

    def is_logged_in(self) -> bool:
        return self.send("GET", f"{self.base_url}/ui/overview").status == 200


def query_of(reply: Reply) -> dict[str, str]:
    """The query of where an answer leads to."""
    pairs = [pair.partition("=") for pair in urlsplit(reply.headers["location"]).query.split("&")]
    return {name: value for name, _, value in pairs}
