"""All pages and actions of the views, by module. A view adds its `ROUTES` here."""

from collections.abc import Sequence
from itertools import chain

from astakos.http.pages import (
    access,
    account,
    appearance,
    audit,
    commission,
    commission_history,
    commissions,
    grants,
    now,
    overview,
    own_address,
    own_keys,
    own_password,
    password_pages,
    resource,
    settings,
    usage,
    webhooks,
)
from astakos.http.pages.projects import (
    administered_projects,
    applying,
    member_usage,
    members,
    placing,
    project_invitations,
    project_list,
    project_page,
)
from astakos.http.pages.services import views as services
from astakos.http.pages.static_assets import Logo, StaticAsset
from astakos.http.pages.users import views as users
from astakos.http.routing import EXACTLY, Route

VIEWS = (
    access,
    own_keys,
    own_password,
    account,
    own_address,
    password_pages,
    appearance,
    overview,
    resource,
    users,
    project_list,
    project_page,
    applying,
    members,
    member_usage,
    project_invitations,
    placing,
    administered_projects,
    grants,
    now,
    usage,
    commissions,
    commission,
    commission_history,
    services,
    audit,
    webhooks,
    settings,
)

PAGE_ROUTES: Sequence[Route] = (
    *chain.from_iterable(view.ROUTES for view in VIEWS),
    Route("/ui/static/{file}", {"GET": StaticAsset(), "HEAD": StaticAsset()}, EXACTLY),
    Route("/ui/logo", {"GET": Logo(), "HEAD": Logo()}, EXACTLY),
)
