"""All views about services, for `page_routes.py`."""

from itertools import chain

from astakos.http.pages.services import (
    component_form,
    component_page,
    meter_form,
    resource_form,
    resource_page,
    service_list,
)

VIEWS = (service_list, component_page, component_form, resource_page, resource_form, meter_form)
ROUTES = tuple(chain.from_iterable(view.ROUTES for view in VIEWS))
