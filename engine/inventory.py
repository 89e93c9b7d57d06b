"""Which node claims nobody owns any more: capacity that would be paid for until someone notices.

A workspace lets go of its claims before it goes, unless somebody strips its finalizer. The claims
must be listed before the workspaces: then a claim whose workspace is not in the later list was made
for one that has gone, however young it is.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from engine.observation import OwnedClaim


def orphans(claims: Iterable[OwnedClaim], living: AbstractSet[str]) -> tuple[OwnedClaim, ...]:
    """``living`` are the uids of the workspaces that exist, as of after ``claims``."""
    return tuple(
        claim for claim in claims if claim.workspace_uid not in living and not claim.releasing
    )
