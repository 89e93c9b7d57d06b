"""What a driver tells of its work; Events, logs and metrics hang on it from outside."""

from typing import Protocol, TypeVar

from engine.setback import Setback

T_contra = TypeVar("T_contra", contravariant=True)


class Report(Protocol[T_contra]):
    """Neither call may raise: telling must never hinder doing."""

    async def passed(self, thing: T_contra, /) -> None:
        """Its machine moved, as the last of its history says, and the move is saved."""
        ...

    async def set_back(self, thing: T_contra, setback: Setback, /) -> None:
        """An action failed, and will be asked again."""
        ...
