"""A brief is checked before anything is spent on it."""

import pytest

from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.content.brief import Brief
from growthbench.content.personal import personal_data, without_personal_data


def test_plain_data_makes_a_brief_and_comes_back():
    told = {"kind": "social", "topic": "boards", "platform": "x", "facts": ["What is a board?"]}
    brief = Brief.of(told)
    assert Brief.of(brief.to_dict()) == brief
    assert brief.facts == ("What is a board?",)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"kind": "poem"}, "kind", "unknown kind of content 'poem'"),
        ({"platform": "x"}, "platform", "unknown platform of email 'x'"),
        ({"topic": ""}, "topic", "a brief needs topic"),
        ({"topic": "x" * 401}, "topic", "1 to 400 characters"),
        ({"topic": "a\x00b"}, "topic", "1 to 400 characters"),
        ({"link": "http://a.example"}, "link", "https://"),
        ({"link": "javascript:alert(1)"}, "link", "https://"),
        ({"language": "de"}, "language", "read no others"),
        ({"facts": "What?"}, "facts", "list of texts"),
        ({"facts": ["a"] * 11}, "facts", "may hold 10"),
        ({"collections": ["secrets"]}, "collections", "unknown collection"),
        ({"restricted": "yes"}, "restricted", "true or false"),
        ({"audience": "ann@example.com"}, "audience", "personal data"),
        ({"facts": ["Call +49 30 1234567?"]}, "facts", "personal data"),
        ({"tonne": "warm"}, "tonne", "did you mean 'tone'"),
    ],
)
def test_what_is_wrong_is_named(changes, field, said):
    with pytest.raises(BadInputError, match=said) as caught:
        Brief.of({"kind": "email", "topic": "boards"} | changes)
    assert caught.value.field == field


def test_a_brief_is_an_object():
    with pytest.raises(BadInputError, match="found str"):
        Brief.of("email")


def test_a_name_nobody_knows_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'email'"):
        Brief("emails", "boards")


def test_personal_data_is_found_where_it_is():
    text = "Ask ann@example.com or call +49 30 1234567, [EMAIL_1_abcd] is none."
    found = personal_data(text)
    assert [(one.kind, text[one.start : one.end]) for one in found] == [
        ("email", "ann@example.com"),
        ("phone", "+49 30 1234567"),
    ]
    assert without_personal_data(text) == "Ask [email removed] or call [phone removed], [EMAIL_1_abcd] is none."
