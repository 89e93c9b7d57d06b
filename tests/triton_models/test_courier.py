import threading

import pytest

from triton_models.chat_lm.generation.courier import Courier


@pytest.fixture
def courier():
    running = Courier(look_seconds=0.001)
    running.start()
    yield running
    running.close()


def test_errands_are_run_in_their_order_and_all_before_the_end():
    courier, done = Courier(), []
    courier.start()
    for number in range(100):
        courier.post(lambda number=number: done.append(number))
    courier.close()
    assert done == list(range(100))


def test_whoever_posts_does_not_wait(courier):
    go, ended = threading.Event(), threading.Event()
    courier.post(lambda: go.wait(10))
    courier.post(ended.set)
    assert not ended.is_set()
    go.set()
    assert ended.wait(10)


def test_a_look_is_taken_until_it_says_no(courier):
    looks, enough = [], threading.Event()

    def look() -> bool:
        looks.append(None)
        if len(looks) == 3:
            enough.set()
        return len(looks) < 3

    courier.watch(look)
    assert enough.wait(10)
    passed = threading.Event()
    courier.watch(lambda: passed.set() or False)
    assert passed.wait(10)
    assert len(looks) == 3


def test_looks_are_taken_however_much_is_to_do(courier):
    seen, stop = threading.Event(), threading.Event()

    def errand() -> None:
        if not stop.is_set():
            courier.post(errand)

    courier.post(errand)
    courier.watch(lambda: seen.set() or False)
    assert seen.wait(10)
    stop.set()


def test_an_errand_that_fails_is_told_in_the_log_and_ends_nothing(courier, caplog):
    done = threading.Event()

    def fail() -> None:
        raise RuntimeError("no such request")

    courier.post(fail)
    courier.post(done.set)
    assert done.wait(10)
    assert "no such request" in caplog.text
