"""Nodes and GPUs from the spec alone; figures worked by hand from KAITO's formula."""

from dataclasses import replace

import pytest

from engine.offerings import offerings
from engine.reason import Reason
from engine.sizing import PlanRefusal, plan
from engine.workspace import Inference, Plan, PresetChoice, Tuning, WorkspaceSpec
from tests.engine.scenes import PHI_3, SMALL


def planned(spec: WorkspaceSpec) -> Plan | PlanRefusal:
    return plan(spec, offerings(spec.resource)[0])


def asked(preset: str, instance_type: str) -> WorkspaceSpec:
    return replace(
        PHI_3,
        resource=replace(PHI_3.resource, instance_type=instance_type),
        inference=Inference(preset=PresetChoice(name=preset)),
    )


@pytest.mark.parametrize(
    ("preset", "instance_type", "nodes"),
    [
        ("phi-4", "Standard_NV36ads_A10_v5", 2),
        ("phi-4", "Standard_NV72ads_A10_v5", 1),
        ("phi-3-medium-4k-instruct", "Standard_NV36ads_A10_v5", 2),
        ("llama-3.3-70b-instruct", "Standard_NC24ads_A100_v4", 3),
        ("llama-3.3-70b-instruct", "Standard_NC48ads_A100_v4", 2),
        ("llama-3.3-70b-instruct", "Standard_NC96ads_A100_v4", 1),
        ("llama-3.3-70b-instruct", "Standard_NV36ads_A10_v5", 9),
        ("phi-3-mini-4k-instruct", "Standard_NC6s_v3", 1),
        ("smollm2-135m-instruct", "local-cpu", 1),
    ],
)
def test_as_many_nodes_as_the_weights_need(preset, instance_type, nodes):
    made = planned(asked(preset, instance_type))
    assert isinstance(made, Plan)
    assert made.node_count == nodes


def test_the_instance_type_is_told_as_the_cloud_spells_it():
    made = planned(asked("phi-4", "standard_nc24ads_a100_v4"))
    assert isinstance(made, Plan)
    assert made.instance_type == "Standard_NC24ads_A100_v4"


@pytest.mark.parametrize(
    ("preset", "instance_type", "because"),
    [
        ("phi-3-mini-4k-instruct", "local-cpu", "needs a GPU"),
        ("phi-3-mini-4k-instruct", "Standard_NV12s_v3", None),
    ],
)
def test_what_cannot_fit_is_refused_or_spread(preset, instance_type, because):
    made = planned(asked(preset, instance_type))
    if because is None:
        assert isinstance(made, Plan)
        assert made.node_count > 1
    else:
        assert isinstance(made, PlanRefusal)
        assert made.reason is Reason.PRESET_TOO_LARGE
        assert because in made.message


def test_tuning_is_refused_in_words_until_it_is_served():
    made = planned(WorkspaceSpec(resource=PHI_3.resource, tuning=Tuning()))
    assert isinstance(made, PlanRefusal)
    assert made.reason is Reason.TUNING_NOT_SERVED
    assert "not served yet" in made.message


def test_the_plan_tells_its_reasoning():
    made = planned(SMALL)
    assert isinstance(made, Plan)
    assert "0.51 GiB" in made.why
