"""NodeClaims and Machines become values, and what the machine remembers comes back without loss."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.kubernetes.node_claim_codec import (
    STATE_ANNOTATION,
    decode_claim,
    encode_labels,
    encode_state,
    encode_status,
)
from adapters.kubernetes.node_dialect import MACHINE_DIALECT, NODE_CLAIM_DIALECT, NodeDialect
from adapters.kubernetes.quantities import gibibytes
from engine.capacity_type import CapacityType
from engine.nodes.agent_pool import Taint
from engine.nodes.claim import FINALIZER, NodeClaim
from engine.nodes.phase import NodePhase
from engine.nodes.step import node_step
from tests.adapters.kubernetes.node_claim_objects import OURS
from tests.engine.nodes.scenes import claim, failed_pool, going, later, node, nothing, working
from tests.engine.scenes import NOW


def requirement(key: str, *values: str, operator: str = "In") -> dict:
    return {"key": key, "operator": operator, "values": list(values)}


def stored(*requirements: dict, labels=None, annotations=None, status=None, **spec) -> dict:
    return {
        "metadata": {
            "name": "ws0a1b2c3d4",
            "uid": "c0ffee",
            "resourceVersion": "7",
            "creationTimestamp": "2026-01-01T12:00:00Z",
            "labels": labels or {},
            "annotations": annotations or {},
        },
        "spec": {"nodeClassRef": OURS, "requirements": list(requirements), **spec},
        "status": status or {},
    }


def kept(of: NodeClaim, dialect: NodeDialect = NODE_CLAIM_DIALECT) -> NodeClaim:
    """The claim as it is read after it was saved."""
    status = encode_status(of.machine, {}, dialect)
    merged = {key: value for key, value in status.items() if value}
    memory = {STATE_ANNOTATION: encode_state(of.machine)}
    item = stored(labels=encode_labels(of), annotations=memory, status=merged)
    return decode_claim(item, dialect)


PLACED = node(
    labels={"topology.kubernetes.io/zone": "swedencentral-2"},
    capacity={"cpu": "48", "nvidia.com/gpu": "2"},
    allocatable={"cpu": "47", "nvidia.com/gpu": "2"},
)

LIVES = {
    "launching": node_step(claim(NodePhase.LAUNCHING), nothing()).next,
    "initializing": node_step(claim(NodePhase.REGISTERING), working()).next,
    "ready": node_step(claim(NodePhase.READY), working(nodes=(PLACED,))).next,
    "failed": node_step(
        claim(NodePhase.LAUNCHING), nothing(pool=failed_pool("AllocationFailed"))
    ).next,
    "terminating": node_step(
        node_step(going(claim(NodePhase.READY)), working()).next, later(working(), minutes=1)
    ).next,
}


@pytest.mark.parametrize("of", LIVES.values(), ids=LIVES.keys())
@pytest.mark.parametrize("dialect", [NODE_CLAIM_DIALECT, MACHINE_DIALECT], ids=["claim", "machine"])
def test_what_a_machine_remembers_survives_the_way_to_kubernetes_and_back(of, dialect):
    assert of.machine.conditions
    assert kept(of, dialect).machine == of.machine


def test_instants_keep_their_fractions_and_those_of_conditions_do_not():
    odd = NOW + timedelta(seconds=1, microseconds=654321)
    of = node_step(claim(NodePhase.LAUNCHING), replace(working(), at=odd)).next
    state = kept(of).machine
    assert (state.since, state.usable_since) == (odd, odd)
    assert {condition.since for condition in state.conditions} == {odd.replace(microsecond=0)}


def test_what_was_read_is_written_back_as_it_was():
    """Otherwise each look would be a write."""
    state = kept(LIVES["failed"]).machine
    assert encode_state(state) == encode_state(LIVES["failed"].machine)


@pytest.mark.parametrize(
    "text",
    ["", "{", "3", "[]", "{}", '{"phase": "Hibernating"}', '{"phase": "Ready", "since": 5}'],
)
def test_a_memory_that_nobody_can_read_begins_anew(text):
    state = decode_claim(stored(annotations={STATE_ANNOTATION: text})).machine
    assert (state.phase, state.since, state.deadline) == (NodePhase.REQUESTED, NOW, None)


def test_a_passage_that_nobody_can_read_begins_anew_too():
    memory = json.loads(encode_state(LIVES["ready"].machine))
    text = json.dumps({**memory, "history": [["Ready", "Winter"]]})
    state = decode_claim(stored(annotations={STATE_ANNOTATION: text})).machine
    assert state.phase is NodePhase.REQUESTED


def test_a_claim_that_begins_anew_keeps_what_others_read_of_it():
    status = encode_status(LIVES["ready"].machine, {})
    state = decode_claim(stored(status=status)).machine
    assert state.phase is NodePhase.REQUESTED
    assert state.node_name == LIVES["ready"].machine.node_name
    assert state.conditions == LIVES["ready"].machine.conditions


def test_the_conditions_of_others_are_kept_as_they_are():
    theirs = {"type": "Drifted", "status": "Unknown", "reason": "Soon", "message": "", "x": 1}
    written = encode_status(LIVES["ready"].machine, {"conditions": [theirs]})
    assert theirs in written["conditions"]
    kinds = [one["type"] for one in written["conditions"]]
    assert kinds == ["Launched", "Registered", "Initialized", "Ready", "Drifted"]


def test_a_condition_in_the_other_dialects_words_is_anothers():
    told = encode_status(LIVES["ready"].machine, {}, MACHINE_DIALECT)
    kinds = [one["type"] for one in told["conditions"]]
    assert kinds == ["MachineLaunched", "MachineRegistered", "MachineInitialized", "Ready"]
    read = decode_claim(stored(status={"conditions": told["conditions"]})).machine.conditions
    assert [one.type for one in read] == ["Ready"]


def test_the_labels_that_kubectls_columns_show_are_those_of_the_machine():
    assert encode_labels(LIVES["ready"]) == {
        "node.kubernetes.io/instance-type": "Standard_NC48ads_A100_v4",
        "karpenter.sh/capacity-type": "on-demand",
        "topology.kubernetes.io/zone": "swedencentral-2",
    }


def test_what_aks_has_not_taken_is_no_label_yet():
    assert encode_labels(LIVES["launching"]) == {}


def test_what_a_machine_is_labelled_with_is_not_asked_of_its_pool():
    labels = encode_labels(LIVES["ready"])
    assert decode_claim(stored(labels=labels)).spec.labels == decode_claim(stored()).spec.labels


def test_a_resource_that_the_node_has_no_more_is_taken_out_of_the_status():
    present = {"capacity": {"cpu": "48", "example.org/fpga": "1"}}
    written = encode_status(LIVES["ready"].machine, present)["capacity"]
    assert written == {"cpu": "48", "nvidia.com/gpu": "2", "example.org/fpga": None}


def test_a_node_that_is_not_known_is_taken_out_of_the_status():
    assert encode_status(LIVES["launching"].machine, {"nodeName": "old"})["nodeName"] is None


@pytest.mark.parametrize(
    "key", ["node.kubernetes.io/instance-type", "karpenter.azure.com/sku-name"]
)
def test_the_size_is_asked_for_under_either_key(key):
    spec = decode_claim(stored(requirement(key, "Standard_NC24ads_A100_v4"))).spec
    assert spec.instance_type == "Standard_NC24ads_A100_v4"


def test_of_several_sizes_the_first_is_taken():
    sizes = requirement("node.kubernetes.io/instance-type", "B", "A")
    assert decode_claim(stored(sizes)).spec.instance_type == "B"


@pytest.mark.parametrize("operator", ["NotIn", "Exists"])
def test_a_size_that_is_only_narrowed_down_is_none(operator):
    narrowed = requirement("node.kubernetes.io/instance-type", "A", operator=operator)
    assert decode_claim(stored(narrowed)).spec.instance_type == ""


@pytest.mark.parametrize(
    ("values", "capacity_type"),
    [
        ((), CapacityType.ON_DEMAND),
        (("on-demand",), CapacityType.ON_DEMAND),
        (("spot",), CapacityType.SPOT),
        (("spot", "on-demand"), CapacityType.ON_DEMAND),
    ],
)
def test_a_machine_may_be_taken_away_only_where_nothing_else_was_asked_for(values, capacity_type):
    asked = requirement("karpenter.sh/capacity-type", *values)
    assert decode_claim(stored(asked)).spec.capacity_type is capacity_type


def test_zones_lose_their_region():
    asked = requirement("topology.kubernetes.io/zone", "westeurope-1", "westeurope-3")
    assert decode_claim(stored(asked)).spec.zones == ("1", "3")


@pytest.mark.parametrize(
    ("family", "os_sku"),
    [("AzureLinux", "AzureLinux"), ("ubuntu", "Ubuntu"), ("Plan9", "Ubuntu"), (None, "Ubuntu")],
)
def test_the_image_family_is_an_annotation(family, os_sku):
    annotations = {} if family is None else {"kaito.sh/node-image-family": family}
    assert decode_claim(stored(annotations=annotations)).spec.os_sku == os_sku


@pytest.mark.parametrize(
    ("requests", "gib"),
    [
        ({"storage": "120Gi"}, 120),
        ({"ephemeral-storage": "1Ti"}, 1024),
        ({"storage": 128849018880}, 120),
        ({"nvidia.com/gpu": 1}, 0),
        ({}, 0),
    ],
)
def test_the_disk_is_as_large_as_the_storage_that_was_asked_for(requests, gib):
    assert decode_claim(stored(resources={"requests": requests})).spec.disk_gib == gib


@pytest.mark.parametrize(
    ("quantity", "gib"),
    [
        ("0", 0),
        ("1Gi", 1),
        ("1.5Gi", 1),
        ("1G", 0),
        ("200G", 186),
        ("2048Mi", 2),
        ("1Ti", 1024),
        ("1073741824", 1),
        ("1048576Ki", 1),
        ("many", 0),
        ("-1Gi", 0),
        ("", 0),
    ],
)
def test_quantities_become_whole_gibibytes_rounded_down(quantity, gib):
    assert gibibytes(quantity) == gib


def test_labels_that_aks_reserves_are_not_asked_for():
    labels = {
        "apps": "phi-4",
        "kaito.sh/workspace": "demo",
        "node.kubernetes.io/instance-type": "x",
        "topology.kubernetes.io/zone": "y",
        "kubernetes.azure.com/mode": "user",
        "beta.k8s.io/thing": "z",
    }
    assert decode_claim(stored(labels=labels)).spec.labels == {
        "apps": "phi-4",
        "kaito.sh/workspace": "demo",
        "karpenter.sh/nodepool": "kaito",
        "kaito.sh/machine-type": "cpu",
        "kaito.sh/creation-timestamp": "2026-01-01T12-00-00Z",
    }


def test_the_nodes_of_machines_name_their_provisioner():
    labels = decode_claim(stored(), MACHINE_DIALECT).spec.labels
    assert labels["karpenter.sh/provisioner-name"] == "default"
    assert "karpenter.sh/nodepool" not in labels


def test_a_size_of_the_n_series_is_labelled_as_a_gpu_machine():
    size = requirement("node.kubernetes.io/instance-type", "standard_nc24ads_a100_v4")
    assert decode_claim(stored(size)).spec.labels["kaito.sh/machine-type"] == "gpu"


def test_taints_and_startup_taints_are_told_apart():
    spec = decode_claim(
        stored(
            taints=[{"key": "sku", "value": "gpu", "effect": "NoSchedule"}],
            startupTaints=[{"key": "warming", "effect": "NoExecute"}],
        )
    ).spec
    assert spec.taints == (Taint(key="sku", value="gpu"),)
    assert spec.startup_taints == (Taint(key="warming", effect="NoExecute"),)


def test_finalizer_and_deletion_are_read():
    item = stored()
    assert not decode_claim(item).finalizer_held
    item["metadata"] |= {
        "finalizers": ["a.b/c", FINALIZER],
        "deletionTimestamp": "2026-01-01T13:00:00Z",
    }
    read = decode_claim(item)
    assert read.finalizer_held
    assert read.deletion_requested == NOW + timedelta(hours=1)
