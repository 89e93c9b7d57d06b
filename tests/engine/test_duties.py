from dataclasses import replace

import pytest

from engine.action import HoldFinalizer
from engine.duties import duties
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
