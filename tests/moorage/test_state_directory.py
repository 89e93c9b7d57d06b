import multiprocessing
import os
import signal

import pytest

from moorage.failure import ExitCode, Failure
from moorage.state_directory import claimed


def test_a_second_claim_is_refused_and_names_the_holder(tmp_path):
    with claimed(tmp_path), pytest.raises(Failure) as caught, claimed(tmp_path):
        pass
    assert caught.value.exit_code is ExitCode.INVALID
    assert f"process {os.getpid()}" in caught.value.message


def test_a_claim_ends_with_its_context(tmp_path):
    for _ in range(2):
        with claimed(tmp_path):
            pass


def _claim_and_wait(directory, claimed_event):
    with claimed(directory):
        claimed_event.set()
        signal.pause()


def test_a_claim_ends_with_its_process_however_that_ends(tmp_path):
    context = multiprocessing.get_context("spawn")
    event = context.Event()
    process = context.Process(target=_claim_and_wait, args=(tmp_path, event))
    process.start()
    assert event.wait(timeout=20)
    process.kill()
    process.join()
    with claimed(tmp_path):
        pass
