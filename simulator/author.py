"""Whose doing a change of the cluster is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

CLUSTER = "cluster"


@dataclass(slots=True)
class Author:
    """Whose change the API server makes right now; the cluster's own parts are "cluster"."""

    name: str = CLUSTER

    def of_next_commit(self) -> str:
        """A request makes one change; what the server does in its wake is the cluster's doing."""
        name, self.name = self.name, CLUSTER
        return name

    @contextmanager
    def writes_as(self, name: str) -> Iterator[None]:
        before, self.name = self.name, name
        try:
            yield
        finally:
            self.name = before
