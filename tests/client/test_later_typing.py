"""What a type checker sees of the later generation; mypy and pyright judge these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

from astakosclient.v0_16.later_client import LaterClient

if TYPE_CHECKING:
    from astakosclient.answer_types import Catalog, Endpoints, Policy, Project, ProjectState, Validation

    def _results(client: LaterClient) -> None:
        assert_type(client.authenticate(), Endpoints)
        assert_type(client.authenticate()["access"]["user"]["id"], str)
        assert_type(client.get_endpoints(), Catalog)
        assert_type(client.get_endpoints()["access"]["serviceCatalog"][0]["name"], str)
        assert_type(client.validate_token("t"), Validation)
        assert_type(client.validate_token("t")["access"]["token"]["expires"], str | None)
        assert_type(client.get_usernames(["u"]), dict[str, str])
        assert_type(client.service_get_uuid("n"), str)
        assert_type(client.issue_one_commission("u", {("p", "r"): 1}), int)
        assert_type(client.issue_one_commission("u", "system", {"r": 1}, name="n"), int)
        assert_type(client.get_projects(state="active"), list[Project])
        assert_type(client.get_project("p")["state"], ProjectState)
        assert_type(client.get_project("p")["join_policy"], Policy)
        client.project_action("p", "suspend", reason="r")
        assert_type(client.mk_provisions("u", "p", "r", 1), list[dict[str, Any]])
        assert_type(client.account_prefix, str)
        assert_type(client.token, str)
        with client as entered:
            assert_type(entered, LaterClient)

    class _Own(LaterClient):
        def name(self) -> str:
            return self.get_username("u")

    def _subclasses() -> None:
        assert_type(_Own("t", "http://h"), _Own)
        assert_type(_Own("t", auth_url="http://h", use_pool=True).name(), str)

    def _mistakes(client: LaterClient) -> None:
        client.project_action("p", "suspnd")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        LaterClient("http://h")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        client.get_quotas("t")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        client.issue_one_commission("u", {"r": 1})  # type: ignore[dict-item]  # pyright: ignore[reportCallIssue, reportArgumentType]


def test_the_client_is_typed() -> None:
    assert LaterClient.get_quotas.__annotations__["return"] == "Quotas"
