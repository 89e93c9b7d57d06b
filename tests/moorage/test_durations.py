from datetime import UTC, datetime, timedelta

import pytest

from moorage.views.durations import countdown, short

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-5, "0s"),
        (45.9, "45s"),
        (60, "1m"),
        (192, "3m12s"),
        (3600, "1h"),
        (7500, "2h5m"),
        (90_061, "1d1h"),
    ],
)
def test_a_span_has_at_most_its_two_largest_units(seconds, text):
    assert short(timedelta(seconds=seconds)) == text


def test_a_deadline_counts_down_and_then_up():
    assert countdown(NOON + timedelta(seconds=90), NOON) == "in 1m30s"
    assert countdown(NOON - timedelta(seconds=5), NOON) == "5s overdue"
