"""Which agent pools no claim owns any more: machines that would be paid for until someone notices.

A claim keeps its finalizer until its pool is gone, unless somebody strips it. The pools must be
listed before the claims: a claim is there, and held, before its pool is asked for, so a pool whose
claim is not in the later list is nobody's, however young it is. It must be found so twice, a sweep
apart, since Azure's lists may lag.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from engine.nodes.agent_pool import AgentPool, PoolState


def orphaned_pools(
    pools: Iterable[AgentPool], living: AbstractSet[str], suspects: AbstractSet[str]
) -> tuple[tuple[AgentPool, ...], frozenset[str]]:
    """Those to delete now, and the owners to suspect until the next sweep.

    ``living`` are the uids of the claims that exist, as of after ``pools``; ``suspects`` are what
    the last sweep answered.
    """
    found = tuple(
        pool
        for pool in pools
        if pool.owner and pool.owner not in living and pool.state is not PoolState.DELETING
    )
    sure = tuple(pool for pool in found if pool.owner in suspects)
    return sure, frozenset(pool.owner for pool in found)
