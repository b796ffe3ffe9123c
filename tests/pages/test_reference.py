"""The API reference: open to everybody, with a search that its address holds."""

from pages.visitors import Visitor


def test_somebody_finds_how_to_issue_a_commission(visitor: Visitor) -> None:
    visitor.open("/docs?q=bulk+commission")
    assert visitor.heading == "API reference"
    assert "found for “bulk commission”" in visitor.text
    assert "POST /account/v1.0/commissions" in visitor.text
    visitor.unfold("Example of POST /account/v1.0/commissions/bulk")
    assert "curl --request POST" in visitor.text
    visitor.fill("Find a call or schema", "no such call")
    visitor.press("Search")
    assert "Nothing matches." in visitor.text
