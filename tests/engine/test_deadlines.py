"""How long a phase waits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.deadlines import LOOK_AGAIN, deadline, wake_at
from engine.phase import RESTING, Phase
from engine.workspace import Inference, PresetChoice
from tests.engine.scenes import NOW, PHI_3, workspace


@pytest.mark.parametrize("phase", RESTING)
def test_a_resting_phase_has_no_deadline(phase):
    assert deadline(workspace(phase), phase, NOW) is None


def test_loading_waits_longer_for_larger_weights():
    large = replace(
        PHI_3,
        resource=replace(PHI_3.resource, instance_type="Standard_ND96isr_H100_v5"),
        inference=Inference(preset=PresetChoice(name="llama-3.3-70b-instruct")),
    )
    limit = deadline(workspace(Phase.LOADING, large), Phase.LOADING, NOW)
    assert limit is not None
    minutes = (limit - NOW).total_seconds() / 60
    assert minutes == pytest.approx(15 + 131.42 * 18 / 60)
    assert deadline(workspace(Phase.LOADING), Phase.LOADING, NOW) == NOW + timedelta(minutes=30)


def test_a_machine_wakes_at_its_deadline_at_the_latest():
    of = workspace(Phase.PROVISIONING)
    soon = NOW + timedelta(seconds=3)
    near = replace(of, machine=replace(of.machine, deadline=soon))
    assert wake_at(near, NOW) == soon
    assert wake_at(of, NOW) == NOW + LOOK_AGAIN
