"""Names that follow from the workspace alone."""

from dataclasses import replace

import pytest

from engine.action import headless_service_name, node_claim_names, workload_name
from engine.phase import Phase
from engine.workspace import WorkspaceRef
from tests.engine.scenes import workspace

MAX_LABEL = 63
REVISION_HASH = 11  # a hyphen and ten characters


def ref(name: str) -> WorkspaceRef:
    return WorkspaceRef(namespace="default", name=name)


@pytest.mark.parametrize("length", [1, 52, 53, 63])
def test_every_valid_name_makes_names_that_kubernetes_takes(length):
    name = workload_name(ref("a" * length))
    assert len(name) + REVISION_HASH <= MAX_LABEL
    assert len(headless_service_name(ref("a" * length))) <= MAX_LABEL


def test_long_names_that_begin_alike_stay_apart():
    assert workload_name(ref("a" * 60)) != workload_name(ref("a" * 61))


def test_a_short_name_is_kept():
    assert workload_name(ref("demo")) == "demo"


def test_claims_are_named_for_an_agent_pool_and_apart_by_attempt_and_workspace():
    of = workspace(Phase.PROVISIONING)
    plan = replace(of.machine.plan, node_count=3)
    first = node_claim_names(of, plan)
    retried = node_claim_names(replace(of, machine=replace(of.machine, attempt=2)), plan)
    another = node_claim_names(replace(of, uid="another"), plan)
    assert len({*first, *retried, *another}) == 9
    assert all(len(name) == 11 and name.startswith("ws") for name in first)
