"""Resources become values and come back without loss."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.kubernetes.workspace_codec import decode, decode_spec, encode_status, manifest
from engine.capacity_type import CapacityType
from engine.phase import Phase
from engine.provisioning import Provisioner
from engine.step import pending_trigger, step
from engine.workspace import (
    FINALIZER,
    AccessMode,
    Adapter,
    DataDestination,
    DataSource,
    Inference,
    Offering,
    OfferingRefusal,
    PresetChoice,
    Resource,
    Tuning,
    WorkspaceSpec,
)
from tests.engine.scenes import NOW, PHI_3, SMALL, nothing, serving, workspace

FULL_INFERENCE = WorkspaceSpec(
    resource=Resource(
        instance_type="Standard_NC24ads_A100_v4",
        count=2,
        match_labels={"apps": "x"},
        preferred_nodes=("a", "b"),
        fallback_instance_types=("Standard_NC48ads_A100_v4", "Standard_NC4as_T4_v3"),
        capacity_types=("spot", "on-demand"),
    ),
    inference=Inference(
        preset=PresetChoice(
            name="phi-4",
            access_mode=AccessMode.PRIVATE,
            image="example.org/phi:4",
            image_pull_secrets=("s",),
            model_access_secret="hf",
        ),
        config="inference-config",
        adapters=(
            Adapter(source=DataSource(name="a", image="example.org/a:1"), strength="0.5"),
            Adapter(source=DataSource(name="b", volume={"emptyDir": {}})),
        ),
    ),
)
FULL_TUNING = WorkspaceSpec(
    resource=Resource(instance_type="Standard_NC24ads_A100_v4"),
    tuning=Tuning(
        preset=PresetChoice(name="phi-4"),
        method="QLoRA",
        config="tuning-config",
        input=DataSource(name="in", urls=("https://example.org/a",)),
        output=DataDestination(image="example.org/out:1", image_push_secret="push"),
    ),
)


def merge_patch(target: dict, patch: dict) -> dict:
    """RFC 7396: what the server makes of a status that is sent to it."""
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = merge_patch(merged.get(key, {}), value)
        else:
            merged[key] = value
    return merged


@pytest.mark.parametrize("spec", [SMALL, PHI_3, FULL_INFERENCE, FULL_TUNING])
def test_a_spec_survives_the_way_to_a_manifest_and_back(spec):
    assert decode_spec(manifest(workspace(Phase.PENDING).ref, spec, {})) == spec


@pytest.mark.parametrize("phase", Phase)
def test_a_machine_survives_the_way_to_a_status_and_back(phase):
    of = workspace(phase)
    seen = serving(of) if of.machine.plan else nothing()
    after = step(of, pending_trigger(of), replace(seen, at=NOW + timedelta(seconds=5))).next
    item = {
        **manifest(of.ref, of.spec, {}),
        "metadata": {
            "name": of.ref.name,
            "namespace": of.ref.namespace,
            "uid": of.uid,
            "resourceVersion": of.resource_version,
            "generation": 1,
            "creationTimestamp": "2026-01-01T12:00:00Z",
            "finalizers": [FINALIZER] if of.finalizer_held else [],
        },
        "status": merge_patch({}, encode_status(after.machine)),
    }
    assert decode(item).machine == after.machine


def test_lost_claims_and_refused_offerings_are_remembered():
    refusal = OfferingRefusal(
        offering=Offering(instance_type="Standard_NC6s_v3", capacity_type=CapacityType.SPOT),
        reason="SpotQuotaReached",
        message="0 left",
    )
    remembered = replace(
        workspace(Phase.PROVISIONING).machine,
        replacements=(0, 2),
        replaced_at=NOW,
        claims_seen=("ws1", "ws2"),
        candidate=1,
        refused=(refusal,),
        own_nodes=("mine",),
    )
    alone = replace(remembered.plan, provisioner=Provisioner.NONE)
    remembered = replace(remembered, plan=alone)
    item = {
        "metadata": {
            "name": "demo",
            "namespace": "default",
            "uid": "u",
            "creationTimestamp": "2026-01-01T12:00:00Z",
        },
        "status": merge_patch({}, encode_status(remembered)),
    }
    assert decode(item).machine == remembered


def test_annotations_that_stand_for_fields_are_read_as_such():
    item = manifest(workspace(Phase.PENDING).ref, PHI_3, {})
    item["metadata"] |= {
        "uid": "u",
        "creationTimestamp": "2026-01-01T12:00:00Z",
        "annotations": {
            "moorage.sh/fallback-instance-types": " Standard_NC24ads_A100_v4,local-cpu ,",
            "moorage.sh/capacity-types": "spot,on-demand",
            "mine": "kept",
        },
    }
    read = decode(item)
    assert read.spec.resource.fallback_instance_types == ("Standard_NC24ads_A100_v4", "local-cpu")
    assert read.spec.resource.capacity_types == ("spot", "on-demand")
    assert read.annotations == {"mine": "kept"}


def test_a_resource_that_no_engine_has_seen_is_pending_since_its_creation():
    of = workspace(Phase.PENDING)
    item = manifest(of.ref, of.spec, {})
    item["metadata"] |= {
        "uid": "u",
        "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T12:00:00Z",
    }
    assert decode(item).machine.phase is Phase.PENDING
    assert decode(item).machine.since == NOW


def test_a_selector_with_single_value_expressions_is_a_map():
    item = manifest(workspace(Phase.PENDING).ref, SMALL, {})
    item["resource"]["labelSelector"] = {
        "matchLabels": {"a": "b"},
        "matchExpressions": [{"key": "c", "operator": "In", "values": ["d"]}],
    }
    assert decode_spec(item).resource.match_labels == {"a": "b", "c": "d"}


def stored(status: dict) -> dict:
    item = manifest(workspace(Phase.PENDING).ref, SMALL, {})
    metadata = {"uid": "u", "resourceVersion": "1", "creationTimestamp": "2026-01-01T12:00:00Z"}
    return {**item, "metadata": {**item["metadata"], **metadata}, "status": status}


def test_the_conditions_of_others_are_kept_as_they_are():
    theirs = {"type": "Audited", "status": "Unknown", "reason": "Soon", "message": ""}
    machine = decode(stored({"conditions": [theirs]})).machine
    assert machine.conditions == ()
    assert encode_status(machine)["conditions"] == [theirs]


def test_a_phase_of_another_version_begins_anew():
    machine = decode(stored({"phase": "Hibernating", "reason": "Winter"})).machine
    assert (machine.phase, machine.since) == (Phase.PENDING, NOW)


def test_a_passage_of_another_version_is_left_out_of_the_history():
    of = workspace(Phase.READY)
    status = encode_status(of.machine)
    passage = {"from": "Pending", "to": "Hibernating", "at": status["phaseSince"], "reason": "?"}
    assert decode(stored({**status, "history": [passage]})).machine.history == ()
