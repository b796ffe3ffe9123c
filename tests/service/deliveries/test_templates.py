from pathlib import Path

import pytest

from astakos.deliveries.templates import LONGEST_SUBJECT, NAMES, VALUES, TemplateError, load_templates


def test_there_is_a_text_for_each_notice() -> None:
    found = load_templates(None)
    assert found.keys() == set(NAMES)
    for template in found.values():
        assert "$" not in template.subject_with(dict.fromkeys(VALUES, "x"))
        assert "$" not in template.text_with(dict.fromkeys(VALUES, "x"))


def test_an_operator_can_replace_some(tmp_path: Path) -> None:
    (tmp_path / "project.suspended.txt").write_text("Subject: $$5 for $project\r\n\r\nToo bad: ${reason}\n")
    found = load_templates(tmp_path)
    values = dict.fromkeys(VALUES, "") | {"project": "lab\nBcc: x", "reason": "$url"}
    assert found["project.suspended"].subject_with(values) == "$5 for lab Bcc: x"
    assert found["project.suspended"].text_with(values) == "Too bad: $url\n"
    assert found["feedback.sent"] == load_templates(None)["feedback.sent"]


def test_a_subject_is_bounded() -> None:
    values = dict.fromkeys(VALUES, "x" * 1000)
    assert len(load_templates(None)["feedback.sent"].subject_with(values)) == LONGEST_SUBJECT


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "project.suspended",
            b"Subject: a\n\n$secret\n",
            r"has \$secret, which stands for nothing",
        ),
        ("project.suspended", b"Subject: a\n\n5 $\n", r"has a \$ that no name follows"),
        ("project.suspended", b"Hello\n\ntext\n", "must start with a line `Subject: …`"),
        ("project.suspended", b"Subject: a\ntext\n", "must start with a line `Subject: …`"),
        ("project.suspended", b"Subject: \xff\n\n", "is not in UTF-8"),
        ("project.suspended", b"Subject: a\n\n" + b"x" * 70_000, "is longer than"),
        ("project.suspend", b"Subject: a\n\n", "is for no notice; there are: application.submitted"),
    ],
)
def test_a_wrong_template_is_named(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / f"{name}.txt").write_bytes(content)
    with pytest.raises(TemplateError, match=reason) as caught:
        load_templates(tmp_path)
    assert str(tmp_path / name) in str(caught.value)


def test_no_mail_leads_to_what_only_programs_can_read() -> None:
    for name, template in load_templates(None).items():
        assert "$url/account" not in template.text, name


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("application.submitted", "/ui/the-page"),
        ("application.denied", "/ui/the-page"),
        ("membership.requested", "/ui/projects/LAB/members?show=requests"),
        ("quota.refused.key", "/ui/access/keys/ak-1"),
        ("commission.overdue", "/ui/admin/commissions"),
    ],
)
def test_a_mail_leads_to_the_page_where_it_goes_on(name: str, page: str) -> None:
    values = dict.fromkeys(VALUES, "") | {"url": "https://example.org", "project_id": "LAB", "key": "ak-1"}
    values["page"] = "https://example.org/ui/the-page"
    assert f"https://example.org{page}" in load_templates(None)[name].text_with(values).split()


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="is not a folder"):
        load_templates(tmp_path / "none")
