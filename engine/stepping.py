"""What a step comes to, whatever machine takes it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")
A = TypeVar("A")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[T, A]):
    """``next`` is to be saved before ``actions`` are performed; then it looks at ``wake_at``."""

    next: T
    actions: tuple[A, ...]
    wake_at: datetime
