from datetime import UTC, datetime, timedelta

from simulator.azure.throttling import Allowance, TokenBucket

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def test_a_bucket_gives_what_it_holds_and_then_tells_how_long_to_wait():
    bucket = TokenBucket(Allowance(2, 0.5), NOW)
    assert [bucket.take(NOW) for _ in range(3)] == [0, 0, 2]
    assert bucket.take(after(1)) == 1
    assert bucket.take(after(2)) == 0


def test_a_bucket_never_holds_more_than_its_burst():
    bucket = TokenBucket(Allowance(2, 1.0), NOW)
    assert [bucket.take(after(3600)) for _ in range(3)] == [0, 0, 1]


def test_who_waits_as_long_as_told_is_served():
    bucket = TokenBucket(Allowance(1, 1 / 60), NOW)
    assert bucket.take(after(0.123456)) == 0
    waited = 0.123456 + bucket.take(after(0.123456))
    assert bucket.take(after(waited)) == 0


def test_a_clock_that_goes_back_takes_no_tokens():
    bucket = TokenBucket(Allowance(2, 1.0), NOW)
    assert bucket.take(after(-3600)) == 0
    assert bucket.take(after(-3600)) == 0
