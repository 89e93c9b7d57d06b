"""Which nodes nobody has any more: capacity that would be paid for, or lie idle, until noticed.

A workspace lets go of its claims, and of the user's own nodes, before it goes, unless somebody
strips its finalizer. They must be listed before the workspaces: then one whose workspace is not in
the later list was taken for one that has gone, however lately.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from engine.observation import Holding


def orphans(holdings: Iterable[Holding], living: AbstractSet[str]) -> tuple[Holding, ...]:
    """``living`` are the uids of the workspaces that exist, as of after ``holdings``."""
    return tuple(one for one in holdings if one.workspace_uid not in living and not one.releasing)
