import pytest

from service.caller import ACCOUNT, Caller
from service.world import (
    RAM,
    SPACE,
    VM,
)

pytestmark = pytest.mark.every_engine


class TestResources:
    def test_everybody_sees_what_is_counted(self, standing_service: Caller) -> None:
        assert standing_service.get(f"{ACCOUNT}/resources").document == {
            VM: {
                "service": "compute_api",
                "description": "Virtual machines",
                "unit": None,
                "ui_visible": True,
                "api_visible": True,
            },
            RAM: {
                "service": "compute_api",
                "description": "Memory",
                "unit": "bytes",
                "ui_visible": False,
                "api_visible": True,
            },
            SPACE: {
                "service": "storage_api",
                "description": "Größe",
                "unit": "bytes",
                "ui_visible": True,
                "api_visible": True,
            },
        }

    def test_descriptions_are_ascii_on_the_wire(self, standing_service: Caller) -> None:
        assert standing_service.get(f"{ACCOUNT}/resources", "any token").content.isascii()
