import json
from html.parser import HTMLParser

import pytest

from growthbench.events.expectations.report import ExpectationReport, Finding

BAD = Finding("rows", "a < b & <script>alert(1)</script>", "a", "critical", False, "3 of 4", "k", ("<b>", "x"))
ODD = Finding("rows", "mostly", "b", "warning", False, "1", "k")
FINE = Finding("schema", "columns", "", "critical", True, "a, b", "k")


def report(*findings):
    return ExpectationReport("world:b2b", 10, findings, {"share": 0.25, "events": 1234}, (("page_view", 7),), 10)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.addresses = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_escaped_and_needs_no_network_or_script():
    html = report(BAD, ODD, FINE).to_html()
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    assert "script" not in tags.seen
    assert tags.addresses == []
    assert "://" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(
    ("findings", "verdict", "passed"),
    [
        ((BAD, ODD, FINE), "1 critical expectation not met", False),
        ((ODD, FINE), "Usable; 1 warning", True),
        ((FINE,), "Everything is as expected", True),
    ],
)
def test_the_verdict_follows_the_worst_finding(findings, verdict, passed):
    made = report(*findings)
    assert verdict in made.to_html()
    assert made.passed is passed


def test_both_files_are_written_and_are_the_same_every_time(tmp_path):
    page = report(BAD, FINE).write(tmp_path / "out")
    told = json.loads((tmp_path / "out" / "expectations.json").read_text())
    assert told["failed"] == {"critical": 1, "warning": 0, "info": 0}
    assert told["findings"][0]["examples"] == ["<b>", "x"]
    first = page.read_bytes()
    assert report(BAD, FINE).write(tmp_path / "out").read_bytes() == first


def test_the_text_names_what_failed():
    assert str(report(BAD, ODD, FINE)).splitlines()[0] == "world:b2b: 3 expectations on 10 rows, 2 not met"
    assert "3 of 4" in str(report(BAD))
