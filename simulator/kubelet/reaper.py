"""Ends what a killed cluster leaves behind: its containers' process groups.

The launcher's death signal reaches a container's first process only. Triton's python stub, its
child, waits on a lock of the dead server where that was killed at the wrong moment, and would stay
for good. So a small process waits beside the cluster for the end of a pipe that only the cluster
holds; then it kills what the records name. A cluster that stops by itself has no records left.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator.kubelet.process_records import ProcessRecords

STOP_SECONDS = 5.0


@contextmanager
def reaper(records_directory: Path) -> Iterator[None]:
    """Keeps a reaper at hand for as long as the context lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(records_directory), str(os.getpid())],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=STOP_SECONDS)
        process.kill()
        process.wait()


def main() -> None:
    """``reaper DIRECTORY KEEPER``: waits for the end of standard input, that is of the keeper."""
    sys.stdin.buffer.read()
    ProcessRecords(Path(sys.argv[1])).end_leftovers(keeper=int(sys.argv[2]))


if __name__ == "__main__":
    main()
