"""What a type checker sees; mypy judges these, running them only shows that they are importable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

from astakosclient import (
    Answer,
    Answered,
    AstakosClient,
    DocumentedClient,
    HttpTransport,
    Retry,
    Timeout,
    Transport,
    parse_endpoints,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astakosclient.answer_types import Quotas, Service, UserInfo
    from astakosclient.v0_16.later_client import LaterClient

    def _results(client: AstakosClient) -> None:
        assert_type(client.get_user_info("t"), UserInfo)
        assert_type(client.get_usernames("t", ["u"]), dict[str, str])
        assert_type(client.get_username("t", "u"), str)
        assert_type(client.service_get_uuid("t", display_name="n"), str)
        assert_type(client.get_services(), list[Service])
        assert_type(client.issue_commission("t", {}), int)
        assert_type(client.get_pending_commissions("t"), list[int])
        assert_type(parse_endpoints(client.get_endpoints("t")), list[dict[str, Any]])
        assert_type(client.get_endpoints("t")["access"]["user"]["id"], str)
        client.send_feedback("t", "m", {"state": 1})

    def _generations() -> None:
        assert_type(AstakosClient("http://h"), DocumentedClient)
        assert_type(AstakosClient(astakos_url="http://h", retry=3), DocumentedClient)
        assert_type(AstakosClient("t", "http://h/identity/v2.0"), LaterClient)
        assert_type(AstakosClient("t", auth_url="http://h", use_pool=True, headers={}), LaterClient)
        assert_type(AstakosClient("http://h").bind("t").get_quotas(), Quotas)
        documented: AstakosClient = AstakosClient("http://h")
        assert_type(documented.get_username("t", "u"), str)

    class _Own(DocumentedClient):
        def quotas_of_all(self) -> Quotas:
            return self.get_quotas("t")

    def _subclasses() -> None:
        own = _Own("http://h", retry=2)
        assert_type(own, _Own)
        assert_type(own.quotas_of_all(), Quotas)
        assert_type(own.with_options(timeout=1), _Own)
        _Own("t", "http://h")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def _at_the_seams(answer: Answer, answered: Answered) -> None:
        assert_type(answer.headers, Mapping[str, str])
        assert_type(answered.attempt.headers, dict[str, str])
        assert_type(answered.status, int | None)

    def _arguments(transport: HttpTransport) -> None:
        seam: Transport = transport
        AstakosClient("http://h", Retry(2), timeout=Timeout(total=5), transport=seam)
        AstakosClient("http://h", retry=2, use_pool=True, pool_size=4, timeout=5)
        AstakosClient("http://h", retry="2")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]


def test_the_package_is_typed() -> None:
    annotations = DocumentedClient.get_quotas.__annotations__
    assert annotations["return"] == "Quotas"
