"""The addresses that `benchmarks.pages` asks for: at least one of each page, and the dearest questions."""

from collections.abc import Mapping, Sequence

from astakos.http.pages.page_routes import PAGE_ROUTES
from benchmarks.page_scene import ADDRESS_LINK, KEY, LINK, METERS, PERSON, PROJECT
from benchmarks.population import COMPONENT, user_name, user_uuid

RESOURCE = "compute.vm"
NAME = user_name(77)
"""The name of `PERSON`."""


NO_PAGES = ("/ui/static/{file}", "/ui/logo")
QUESTIONS: Mapping[str, Sequence[str]] = {
    "/ui/overview": ("", "?q=ram"),
    "/ui/access/keys/{key}": (f"/ui/access/keys/{KEY}",),
    "/ui/password": (f"?link={LINK}",),
    "/ui/account/address/confirm": (f"?link={ADDRESS_LINK}",),
    "/ui/resources/{resource}": (
        f"/ui/resources/{RESOURCE}",
        f"/ui/resources/{RESOURCE}?by=hour",
        f"/ui/resources/{RESOURCE}?by=month",
        f"/ui/resources/{RESOURCE}?csv=course",
        f"/ui/resources/{RESOURCE}?csv=charges",
        f"/ui/resources/{METERS[0]}",
    ),
    "/ui/admin/users": (
        "",
        "?q=user999",
        "?q=nobody+at+all",
        f"?q={NAME}",
        "?state=waiting",
        "?state=inactive",
        "?state=active&q=nobody",
        "?after=900000",
    ),
    "/ui/admin/users/{uuid}": (f"/ui/admin/users/{PERSON}", f"/ui/admin/users/{user_uuid(0)}"),
    "/ui/admin/users/{uuid}/limit": (
        f"/ui/admin/users/{PERSON}/limit?resource={RESOURCE}",
        f"/ui/admin/users/{PERSON}/limit?resource={RESOURCE}&limit=5",
    ),
    "/ui/projects": ("", "?q=project+99", "?q=nothing"),
    "/ui/projects/{uuid}/members": (
        f"/ui/projects/{PROJECT}/members",
        f"/ui/projects/{PROJECT}/members?q=nobody",
        f"/ui/projects/{PROJECT}/members?show=requests",
    ),
    "/ui/admin/projects": (
        "",
        "?q=project+99",
        "?q=nothing",
        "?sort=name",
        "?state=suspended",
        "?of=users",
        "?of=users&state=suspended",
        "?of=users&q=nobody",
        f"?q={NAME}",
    ),
    "/ui/admin/projects/applications": ("", "?show=denied"),
    "/ui/admin/now": ("",),
    "/ui/admin/usage": (
        f"?resource={RESOURCE}",
        f"?resource={RESOURCE}&by=share",
        f"?resource={METERS[0]}",
        f"?resource={METERS[0]}&period={{period}}",
        f"?resource={METERS[1]}&period={{period}}",
    ),
    "/ui/admin/usage/near": ("", f"?resource={RESOURCE}", "?over=101", f"?over=101&resource={METERS[0]}"),
    "/ui/admin/commissions": (
        "",
        f"?holder={NAME}",
        f"?holder={user_name(0)}",
        f"?resource={METERS[0]}",
        f"?service={COMPONENT}",
        "?older=604800",
    ),
    "/ui/admin/commissions/{serial}": ("/ui/admin/commissions/1", "/ui/admin/commissions/1099511627777"),
    "/ui/admin/commissions/history": (
        "",
        f"?holder={NAME}",
        f"?holder={user_name(0)}",
        f"?resource={METERS[0]}",
        "?outcome=rejected",
        "?since=2000-01-01&until=2000-02-01",
        "?serial=1",
        "?project=Laboratory",
        "?csv=yes",
        f"?csv=yes&holder={user_name(0)}",
        "?csv=yes&outcome=rejected",
    ),
    "/ui/admin/services/components/{name}/change": (f"/ui/admin/services/components/{COMPONENT}/change",),
    "/ui/admin/services/components/{name}/remove": (f"/ui/admin/services/components/{COMPONENT}/remove",),
    "/ui/admin/services/components/{name}": (f"/ui/admin/services/components/{COMPONENT}",),
    "/ui/admin/services/default-limit/{resource}": (
        f"/ui/admin/services/default-limit/{RESOURCE}",
        f"/ui/admin/services/default-limit/{RESOURCE}?limit=5",
    ),
    "/ui/admin/services/new-meter/{resource}": (f"/ui/admin/services/new-meter/{RESOURCE}",),
    "/ui/admin/services/change-meter/{resource}": (f"/ui/admin/services/change-meter/{METERS[0]}",),
    "/ui/admin/services/components/{name}/new-service": (
        f"/ui/admin/services/components/{COMPONENT}/new-service",
    ),
    "/ui/admin/services/change-service/{name}": (f"/ui/admin/services/change-service/{COMPONENT}",),
    "/ui/admin/grants/{serial}": ("/ui/admin/grants/1",),
    "/ui/admin/webhooks/{name}": ("/ui/admin/webhooks/log",),
    "/ui/admin/audit": (
        "",
        f"?whom={NAME}",
        f"?who={user_name(0)}",
        "?who=service",
        "?kind=user",
        "?kind=project.suspended",
        "?kind=project",
        "?since=2000-01-01&until=2000-02-01",
        f"?project={PROJECT}",
        "?before=1000",
    ),
    "/ui/admin/settings/{name}": ("/ui/admin/settings/history_days",),
}
"""By page, the addresses, or the queries of the page's own address."""
VARIABLES = {"uuid": PROJECT, "resource": RESOURCE}
"""What takes the place of a variable if no question is listed."""
OTHERS = (
    "/ui/",
    "/ui/landing",
    "/ui/login",
    "/ui/join",
    "/ui/terms",
    "/docs",
    "/docs?q=commissions",
)
"""Pages beside the views."""


def addresses() -> list[str]:
    """Returns the addresses of all pages; `{period}` stands for the start of the last period.

    Raises:
        ValueError: there is a page that no address leads to.
    """
    found = []
    for template in _pages():
        if template in QUESTIONS:
            listed = QUESTIONS[template]
            found += [one if one.startswith("/") else f"{template}{one}" for one in listed]
            continue
        found.append(_filled(template))
    return [*found, *OTHERS]


def _pages() -> list[str]:
    templates = (route.template for route in PAGE_ROUTES if "GET" in route.methods)
    return [template for template in templates if template not in NO_PAGES]


def _filled(template: str) -> str:
    # A page about a user, and not about a project, has the same variable.
    values = VARIABLES | ({"uuid": PERSON} if template.startswith("/ui/admin/users/") else {})
    try:
        return template.format(**values)
    except KeyError as error:
        raise ValueError(f"there is no address for the page {template}: add one to QUESTIONS") from error
