from dataclasses import replace

import pytest

from engine.action import EnsureNodeClaims, HoldFinalizer, Release, Resource
from engine.duties import duties
from engine.observation import NodeClaim
from engine.phase import Phase
from tests.engine.scenes import NOW, nothing, workspace

MAKING = (
    Phase.PENDING,
    Phase.PROVISIONING,
    Phase.DEPLOYING,
    Phase.LOADING,
    Phase.READY,
    Phase.DEGRADED,
    Phase.UPDATING,
)


@pytest.mark.parametrize("phase", MAKING)
def test_nothing_is_made_for_a_workspace_whose_finalizer_was_stripped(phase):
    stripped = replace(workspace(phase), finalizer_held=False)
    assert duties(stripped, nothing()) == (HoldFinalizer(),)


@pytest.mark.parametrize("phase", Phase)
def test_no_finalizer_is_added_to_what_is_being_deleted(phase):
    going = replace(workspace(phase), finalizer_held=False, deletion_requested=NOW)
    assert HoldFinalizer() not in duties(going, nothing())


def test_an_earlier_attempts_claims_go_before_the_next_are_made():
    of = workspace(Phase.PROVISIONING)
    earlier = NodeClaim(name="ws-earlier", ready=True)
    asked = duties(of, replace(nothing(), claims=(earlier,)))
    assert Release(resource=Resource.NODE_CLAIMS, names=("ws-earlier",)) in asked
    assert not any(isinstance(action, EnsureNodeClaims) for action in asked)


def test_the_next_claims_are_made_while_the_earlier_are_on_their_way_out():
    of = workspace(Phase.PROVISIONING)
    earlier = NodeClaim(name="ws-earlier", ready=True, releasing=True)
    asked = duties(of, replace(nothing(), claims=(earlier,)))
    assert any(isinstance(action, EnsureNodeClaims) for action in asked)
