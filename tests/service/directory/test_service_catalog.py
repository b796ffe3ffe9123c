import pytest

from astakos.directory.entities import Component, Service
from astakos.directory.service_catalog import menu, own_endpoint, service_catalog

PORTAL = Component(1, "portal", ui_url="https://portal.example.org/ui")
SILENT = Component(2, "silent")


def test_the_login_page_is_named_twice() -> None:
    stored = {"versionId": "", "publicURL": "https://portal.example.org/weblogin"}
    (service,) = service_catalog([Service(1, "astakos_weblogin", "astakos_weblogin", PORTAL, (stored,))])
    assert service["endpoints"] == [
        {
            **stored,
            "region": "default",
            "SNF:uiURL": "https://portal.example.org/ui",
            "SNF:webloginURL": "https://portal.example.org/weblogin",
        }
    ]


def test_services_keep_their_order_and_need_no_endpoints() -> None:
    services = [Service(2, "b", "x", SILENT), Service(1, "a", "y", SILENT, ({"publicURL": "u"},))]
    assert service_catalog(services) == [
        {"name": "b", "type": "x", "endpoints_links": [], "endpoints": []},
        {
            "name": "a",
            "type": "y",
            "endpoints_links": [],
            "endpoints": [{"publicURL": "u", "SNF:uiURL": None, "region": "default"}],
        },
    ]


@pytest.mark.parametrize(
    ("prefix", "version", "url"),
    [
        ("account", "v1.0", "https://a.example.org/x/account/v1.0"),
        ("weblogin", "", "https://a.example.org/x/weblogin"),
    ],
)
def test_an_own_endpoint_has_no_trailing_slash(prefix: str, version: str, url: str) -> None:
    assert own_endpoint("https://a.example.org/x", prefix, version)["publicURL"] == url


def test_the_menu_is_sorted_by_order_and_then_as_registered() -> None:
    components = [
        Component(1, "third", menu={"order": 7}),
        Component(2, "last"),
        Component(3, "first", menu={"order": -1}),
        Component(4, "fourth", menu={"order": 7}),
    ]
    assert [entry["name"] for entry in menu(components)] == ["first", "third", "fourth", "last"]


def test_settings_of_the_menu_go_over_its_defaults_and_may_add_to_them() -> None:
    settings = {"cloudbar": {"show": False, "icon": "x"}, "dashboard": None, "color": "red"}
    (entry,) = menu([Component(1, "file store", menu=settings)])
    assert entry == {
        "name": "file store",
        "url": None,
        "order": 1000,
        "verbose_name": "File Store",
        "cloudbar": {"show": False, "title": "File Store", "icon": "x"},
        "dashboard": None,
        "color": "red",
    }
