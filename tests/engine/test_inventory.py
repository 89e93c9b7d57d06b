from dataclasses import replace

from engine.inventory import orphans
from engine.observation import Holding, HoldingKind


def claim(name: str, workspace: str, **more: bool) -> Holding:
    return Holding(name=name, uid=f"uid-{name}", workspace_uid=workspace, **more)


def test_a_claim_whose_workspace_is_gone_belongs_to_nobody():
    kept, left = claim("a", "living"), claim("b", "gone")
    assert orphans([kept, left], {"living"}) == (left,)


def test_a_claim_that_is_on_its_way_out_is_left_to_go():
    assert orphans([claim("a", "gone", releasing=True)], set()) == ()


def test_a_node_of_the_users_is_given_back_like_a_claim():
    left = replace(claim("n", "gone"), kind=HoldingKind.OWN_NODE)
    assert orphans([left], {"living"}) == (left,)
