"""The same plan takes the same course, whatever process runs it and however that hashes."""

import os
import subprocess
import sys

import pytest

SEEDS = 20
PROGRAM = f"""
from moorage.simulation.run import run
from moorage.simulation.search.swarm import draw
for seed in range({SEEDS}):
    print(run(draw(seed, hours=1.0)).trace_hash)
"""


def started(hash_seed: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(600)
def test_traces_are_equal_across_processes_and_hash_seeds() -> None:
    processes = [started(hash_seed) for hash_seed in ("0", "20260101")]
    first, second = (process.communicate()[0].split() for process in processes)
    assert first == second
    assert len(set(first)) == SEEDS
