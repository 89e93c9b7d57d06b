"""The report: everything on one page, and nothing from elsewhere."""

import re
from html.parser import HTMLParser

import pytest

from engine.phase import Phase
from moorage.simulation.campaign import Campaign
from moorage.simulation.replay import replay_line
from moorage.simulation.report.page import COLOURS, Report, page
from moorage.simulation.summary import summary
from simulator.faults.plan import Plan
from tests.moorage.simulation.made import PLAN, counts, outcome

VOID = {"meta", "br", "input", "link", "img", "hr"}


class Elements(HTMLParser):
    """Fails where tags do not close as they opened; gathers text and attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.attributes = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())


def failing():
    return Report(
        title="Seed 7",
        counts=counts(),
        trace_hash="8f2a",
        shown=outcome(),
        statements={"S12": "Ready is the truth"},
    )


def a_campaign(*, failed):
    whole = Campaign()
    for seed in range(1200):
        violations = {} if failed and seed % 400 == 5 else {"violations": ()}
        whole.add(summary(outcome(Plan(seed=seed), **violations)))
    return Report(
        title="Seeds 0 to 1199",
        counts=whole.counts,
        trace_hash=whole.trace_hash,
        shown=outcome() if failed else None,
        failures=whole.failures,
    )


@pytest.mark.parametrize("report", [failing(), a_campaign(failed=False), a_campaign(failed=True)])
def test_the_page_is_whole_and_loads_nothing(report):
    text = page(report)
    elements = Elements(text)
    assert not {name for name, _ in elements.attributes} & {"src", "href"}
    assert not re.search(r"url\((?!#)|@import|https?://", text)


def test_a_failure_shows_its_property_its_two_facts_and_the_line_that_replays_it():
    texts = Elements(page(failing())).texts
    assert "S12: Ready is the truth" in texts
    assert "w0 became Ready at 130.0" in texts
    assert "its node <b>n0</b> was deleted at 120.0" in texts  # as text, not as markup
    assert replay_line(PLAN) in texts
    assert "the engine crashes (down for 5s) before its 213th step" in texts


def test_a_failure_shows_the_log_around_it():
    texts = Elements(page(failing())).texts
    assert "Planning→Ready" in texts
    assert "504 Timeout (truly 200)" in texts


def test_every_lane_is_there_with_its_spans_and_marks():
    text = page(failing())
    for name in ("w0", "faults", "engine-1"):
        assert f'aria-label="{name}"' in text
    assert 'class="bar p-Planning"' in text
    assert 'class="down"' in text
    assert "CR at 50.0 s" in text
    assert "a user&#39;s create at 1.0 s" in text


def test_a_clean_campaign_says_so_and_what_it_never_reached():
    texts = Elements(page(a_campaign(failed=False))).texts
    assert "✓ every property holds" in texts
    assert "1,200" in texts
    assert "Ready → Updating" in texts
    assert "Pending → Planning" not in texts
    assert "QUOTA" in texts


def test_a_failed_campaign_lists_its_failing_seeds():
    texts = Elements(page(a_campaign(failed=True))).texts
    assert "✗ 3 of 1,200 runs violate a property" in texts
    begin = texts.index("Failing seeds")
    assert {"5", "405", "805"} <= set(texts[begin:])


def test_every_phase_has_a_colour_of_its_own():
    assert set(COLOURS) == set(Phase)
    assert len(set(COLOURS.values())) == len(Phase)


def test_a_run_in_which_nothing_happened_has_a_page():
    empty = outcome(Plan(), violations=())
    empty.history.records.clear()
    assert "No elements" in page(
        Report(title="Seed 0", counts=counts(), trace_hash="", shown=empty)
    )
