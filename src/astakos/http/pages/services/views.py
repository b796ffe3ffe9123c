"""All views about services, for `page_routes.py`."""

from itertools import chain

from astakos.http.pages.services import (
    component_form,
    component_page,
    meter_form,
    resource_form,
    resource_page,
    service_form,
    service_list,
)

# A form of a component comes before its page, whose address would match, too.
VIEWS = (
    service_list,
    component_form,
    service_form,
    component_page,
    resource_page,
    resource_form,
    meter_form,
)
ROUTES = tuple(chain.from_iterable(view.ROUTES for view in VIEWS))
