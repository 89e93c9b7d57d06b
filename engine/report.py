"""What the driver tells of its work; Events, logs and metrics hang on it from outside."""

from typing import Protocol

from engine.observation import Setback
from engine.workspace import Passage, Workspace


class Report(Protocol):
    """Neither call may raise: telling must never hinder doing."""

    async def passed(self, workspace: Workspace, passage: Passage) -> None:
        """The machine moved, and the move is saved."""
        ...

    async def set_back(self, workspace: Workspace, setback: Setback) -> None:
        """An action failed, and will be asked again."""
        ...
