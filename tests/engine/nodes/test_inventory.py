"""Which agent pools are nobody's."""

from engine.nodes.agent_pool import PoolState
from engine.nodes.inventory import orphaned_pools
from tests.engine.nodes.scenes import pool


def test_a_pool_is_an_orphan_only_when_it_was_found_so_twice():
    lost = pool(owner="gone")
    first, suspects = orphaned_pools([lost], set(), set())
    assert (first, suspects) == ((), {"gone"})
    assert orphaned_pools([lost], set(), suspects) == ((lost,), {"gone"})


def test_a_pool_whose_claim_lives_is_no_orphan():
    assert orphaned_pools([pool(owner="living")], {"living"}, {"living"}) == ((), frozenset())


def test_a_suspect_that_was_missed_once_starts_over():
    lost = pool(owner="gone")
    _, suspects = orphaned_pools([], set(), {"gone"})
    assert orphaned_pools([lost], set(), suspects)[0] == ()


def test_a_pool_of_somebody_else_is_never_an_orphan():
    foreign = pool(owner="")
    assert orphaned_pools([foreign], set(), {""}) == ((), frozenset())


def test_a_pool_on_its_way_out_is_left_to_go():
    assert orphaned_pools([pool(PoolState.DELETING, owner="gone")], set(), {"gone"})[0] == ()


def test_a_failed_pool_is_an_orphan_like_any_other():
    lost = pool(PoolState.FAILED, owner="gone")
    assert orphaned_pools([lost], set(), {"gone"})[0] == (lost,)
