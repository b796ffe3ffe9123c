"""All views about users, for `page_routes.py`."""

from itertools import chain

from astakos.http.pages.users import (
    access_of_user,
    decisions,
    limit,
    links,
    personal_data,
    user_list,
    user_page,
)

VIEWS = (user_list, user_page, decisions, access_of_user, links, limit, personal_data)
ROUTES = tuple(chain.from_iterable(view.ROUTES for view in VIEWS))
