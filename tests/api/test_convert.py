"""Between engine values and messages nothing is lost."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from api.convert.messages import instance_type_message, preset_message, state_of, workspace_message
from api.convert.values import json_object, workspace_spec
from api.v1 import workspace_pb2 as pb
from engine.instance_types import INSTANCE_TYPES
from engine.phase import RESTING, Phase
from engine.presets import PRESETS
from engine.reason import Reason
from engine.workspace import (
    AccessMode,
    Adapter,
    Condition,
    ConditionType,
    DataDestination,
    DataSource,
    Endpoints,
    Inference,
    MachineState,
    Passage,
    Plan,
    PresetChoice,
    Resource,
    Tuning,
    Workspace,
    WorkspaceRef,
    WorkspaceSpec,
)

NOW = datetime(2026, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)

words = st.text(max_size=8)
objects = st.dictionaries(
    words,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=3,
)
several = st.lists(words, max_size=3).map(tuple)
presets = st.builds(
    PresetChoice,
    name=words,
    access_mode=st.sampled_from(AccessMode),
    image=words,
    image_pull_secrets=several,
    model_access_secret=words,
)
sources = st.builds(
    DataSource,
    name=words,
    urls=several,
    image=words,
    image_pull_secrets=several,
    volume=st.none() | objects,
)
adapters = st.builds(Adapter, source=sources, strength=st.text(min_size=1, max_size=5))
specs = st.builds(
    WorkspaceSpec,
    resource=st.builds(
        Resource,
        instance_type=words,
        count=st.integers(-1, 9),
        match_labels=st.dictionaries(words, words, max_size=3),
        preferred_nodes=several,
        fallback_instance_types=several,
        capacity_types=st.lists(st.sampled_from(["spot", "on-demand"]), max_size=2).map(tuple),
    ),
    inference=st.none()
    | st.builds(
        Inference,
        preset=st.none() | presets,
        template=st.none() | objects,
        config=words,
        adapters=st.lists(adapters, max_size=3).map(tuple),
    ),
    tuning=st.none()
    | st.builds(
        Tuning,
        preset=st.none() | presets,
        method=words,
        config=words,
        input=st.none() | sources,
        output=st.none()
        | st.builds(
            DataDestination, image=words, image_push_secret=words, volume=st.none() | objects
        ),
    ),
)


def _workspace(spec: WorkspaceSpec, machine: MachineState, **fields) -> Workspace:
    return Workspace(
        ref=WorkspaceRef(namespace="ns", name="demo"),
        uid="u",
        resource_version="7",
        generation=3,
        created=NOW,
        spec=spec,
        machine=machine,
        **fields,
    )


@given(specs)
def test_a_spec_survives_the_way_to_a_client_and_back(spec: WorkspaceSpec):
    message = workspace_message(_workspace(spec, MachineState(since=NOW)))
    received = pb.Workspace.FromString(message.SerializeToString())
    assert workspace_spec(received) == spec


def test_whole_numbers_of_a_template_stay_whole():
    struct = Struct()
    struct.update({"port": 8080, "share": 0.5, "ports": [1, 2.5]})
    restored = json_object(struct)
    assert repr(restored["port"]) == "8080"
    assert restored == {"port": 8080, "share": 0.5, "ports": [1, 2.5]}


def test_an_unset_count_is_one_and_an_unset_strength_is_the_whole_adapter():
    message = pb.Workspace(inference=pb.Inference(adapters=[pb.Adapter()]))
    spec = workspace_spec(message)
    assert spec.resource.count == 1
    assert spec.inference is not None
    assert spec.inference.adapters[0].strength == "1.0"


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_a_state(phase: Phase):
    assert state_of(phase) != pb.STATE_UNSPECIFIED
    message = workspace_message(
        _workspace(
            WorkspaceSpec(resource=Resource(instance_type="x")),
            MachineState(phase=phase, since=NOW),
        )
    )
    assert (message.phase, message.reconciling) == (phase.value, phase not in RESTING)


def test_what_the_machine_knows_is_shown():
    deadline = NOW + timedelta(minutes=5)
    plan = Plan(
        preset="p", instance_type="i", node_count=2, gpus_per_node=4, disk_gib=90, why="because"
    )
    machine = MachineState(
        phase=Phase.LOADING,
        since=NOW,
        deadline=deadline,
        reason=Reason.MODEL_LOADING,
        message="m",
        waiting_for="w",
        remedy="r",
        attempt=2,
        plan=plan,
        worker_nodes=("n-1",),
        endpoints=Endpoints(http="http://h", triton_http="t", triton_grpc="g", metrics="x"),
        conditions=(
            Condition(
                type=ConditionType.RESOURCE_READY,
                status=True,
                reason="R",
                message="yes",
                since=NOW,
                observed_generation=3,
            ),
            Condition(
                type=ConditionType.INFERENCE_READY, status=False, reason="S", message="", since=NOW
            ),
        ),
        history=(
            Passage(
                source=Phase.DEPLOYING,
                destination=Phase.LOADING,
                at=NOW,
                reason=Reason.MODEL_LOADING,
                message="h",
            ),
        ),
    )
    spec = WorkspaceSpec(resource=Resource(instance_type="i"))
    message = workspace_message(
        _workspace(spec, machine, deletion_requested=deadline, labels={"a": "b"})
    )
    assert (message.name, message.etag, message.generation) == (
        "namespaces/ns/workspaces/demo",
        "7",
        3,
    )
    assert message.deadline_time.ToDatetime(UTC) == deadline
    assert message.delete_time.ToDatetime(UTC) == deadline
    assert message.phase_since_time.ToDatetime(UTC) == NOW
    assert (message.plan.node_count, message.plan.gpus_per_node) == (2, 4)
    assert (message.attempt, message.worker_nodes) == (2, ["n-1"])
    assert message.endpoints.triton_grpc == "g"
    assert [c.type for c in message.conditions] == ["ResourceReady", "InferenceReady"]
    assert [c.status for c in message.conditions] == [
        pb.Condition.STATUS_TRUE,
        pb.Condition.STATUS_FALSE,
    ]
    assert message.history[0].source == "Deploying"
    assert message.labels == {"a": "b"}


def test_every_entry_of_the_catalogue_can_be_shown():
    for preset in PRESETS.values():
        assert preset_message(preset).weights_source
    retired = [i for i in map(instance_type_message, INSTANCE_TYPES.values()) if i.retirement_date]
    assert "2025-09-30" in {instance_type.retirement_date for instance_type in retired}
