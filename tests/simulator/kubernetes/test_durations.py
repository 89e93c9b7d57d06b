from datetime import UTC, datetime

import pytest

from simulator.kubernetes.durations import age, human


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (4 * 3600 + 1800, "4h30m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (50 * 3600, "2d2h"),
        (8 * 86400, "8d"),
        (730 * 86400, "2y"),
        (800 * 86400, "2y70d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_ages_as_kubectl_prints_them(seconds: int, expected: str) -> None:
    assert human(seconds) == expected


def test_any_offset_is_understood() -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert age("2026-01-01T12:59:50+01:00", now) == "10s"
    assert age("2026-01-01T11:59:50.5Z", now) == "9s"
    assert age(None, now) == "<unknown>"
