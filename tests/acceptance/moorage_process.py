"""``moorage up --headless`` as a process, with its state directory."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import psutil

START_SECONDS = 300
"""The first start on a machine downloads Triton."""
STOP_SECONDS = 60


def eventually(question: Callable[[], Any], *, seconds: float, pause: float = 0.2) -> Any:
    """The first true answer to ``question``; fails with the last one after ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {seconds} s; the last answer was {answer!r}"
        time.sleep(pause)


class MoorageProcess:
    def __init__(
        self, state_directory: Path, *, delays: float = 0.2, options: tuple[str, ...] = ()
    ) -> None:
        """``delays`` scales what simulated machines and images take."""
        self.state_directory = state_directory
        self._delays = delays
        self._options = options
        self.output: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()

    @property
    def kubeconfig(self) -> Path:
        return self.state_directory / "kubeconfig"

    @property
    def endpoints(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(
            (self.state_directory / "endpoints.json").read_text(encoding="utf-8")
        )
        return found

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self._ready.clear()
        moorage = str(Path(sys.executable).with_name("moorage"))
        command = [moorage, "up", "--headless", *self._options]
        self._process = subprocess.Popen(
            [*command, f"--delays={self._delays}", "--state-dir", str(self.state_directory)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        assert self._ready.wait(START_SECONDS), "".join(self.output)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.output.append(line)
                if line.strip() == "ready":
                    self._ready.set()

    def kill(self) -> list[psutil.Process]:
        """kill -9, with no warning to anything below; the answer is what ran below."""
        below = psutil.Process(self.pid).children(recursive=True)
        self._end(signal.SIGKILL)
        return below

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, with_signal: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(with_signal)
        return self._process.wait(STOP_SECONDS)

    def programs(self, name: str) -> list[psutil.Process]:
        """What runs below it under that name."""
        below = psutil.Process(self.pid).children(recursive=True)
        return [process for process in below if process.name() == name]
