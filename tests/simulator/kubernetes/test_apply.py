"""Ownership and server-side apply, on a Deployment and on a custom resource."""

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.kubernetes.apply import server_side_apply, track
from simulator.kubernetes.merge_shapes import shape_of_kind, shape_of_schema
from simulator.kubernetes.status import ApiError

NOW = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)
DEPLOYMENT = shape_of_kind("Deployment")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def deployment(replicas=1, image="web:1", **metadata):
    container = {"name": "web", "image": image}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", **metadata},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}},
    }


def apply(live, applied, manager="alice", *, shape=DEPLOYMENT, force=False, now=NOW):
    return server_side_apply(live, applied, manager=manager, force=force, shape=shape, now=now)


def update(live, new, manager="bob", *, shape=DEPLOYMENT, now=NOW, subresource=""):
    return track(live, new, manager=manager, shape=shape, now=now, subresource=subresource)


def entry(obj, manager):
    return next(e for e in obj["metadata"]["managedFields"] if e["manager"] == manager)


def managers(obj):
    return [e["manager"] for e in obj["metadata"].get("managedFields", [])]


def containers(obj):
    return obj["spec"]["template"]["spec"]["containers"]


def without_owners(obj):
    obj = copy.deepcopy(obj)
    obj["metadata"].pop("managedFields", None)
    return obj


def test_apply_creates_the_object_and_owns_every_stated_leaf():
    created = apply(None, deployment())
    assert without_owners(created) == deployment()
    assert created["metadata"]["managedFields"] == [
        {
            "apiVersion": "apps/v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:spec": {
                    "f:replicas": {},
                    "f:template": {
                        "f:spec": {
                            "f:containers": {
                                'k:{"name":"web"}': {".": {}, "f:image": {}, "f:name": {}}
                            }
                        }
                    },
                }
            },
            "manager": "alice",
            "operation": "Apply",
            "time": "2026-11-01T12:00:00Z",
        }
    ]


def test_applying_the_same_again_changes_nothing_not_even_the_time():
    created = apply(None, deployment())
    assert apply(created, deployment(), now=NOW + timedelta(hours=1)) == created


def test_a_dropped_field_goes_when_nobody_else_owns_it():
    created = apply(None, deployment(labels={"app": "web", "tier": "front"}))
    later = apply(created, deployment(labels={"app": "web"}))
    assert later["metadata"]["labels"] == {"app": "web"}


def test_a_dropped_field_stays_when_another_manager_owns_it():
    created = apply(None, deployment(labels={"app": "web", "tier": "front"}))
    shared = apply(created, deployment(labels={"tier": "front"}), "carol")
    later = apply(shared, deployment(labels={"app": "web"}))
    assert later["metadata"]["labels"] == {"app": "web", "tier": "front"}


def test_a_dropped_map_goes_whole():
    created = apply(None, deployment(annotations={"a": "1"}))
    assert "annotations" not in apply(created, deployment())["metadata"]


def test_a_dropped_list_item_goes_with_the_defaults_it_was_given():
    applied = deployment()
    containers(applied).append({"name": "side", "image": "side:1"})
    live = apply(None, applied)
    defaulted = copy.deepcopy(live)
    containers(defaulted)[1]["terminationMessagePath"] = "/dev/termination-log"
    later = apply(defaulted, deployment())
    assert [c["name"] for c in containers(later)] == ["web"]


def test_another_managers_value_is_a_conflict_that_names_it_and_the_field():
    created = update(None, deployment(), "kubectl-client-side-apply")
    with pytest.raises(ApiError) as caught:
        apply(created, deployment(replicas=3))
    assert caught.value.code == 409
    assert caught.value.reason == "Conflict"
    assert caught.value.message == (
        'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply"'
        " using apps/v1: .spec.replicas"
    )
    (cause,) = caught.value.causes
    assert cause.reason == "FieldManagerConflict"
    assert cause.message == 'conflict with "kubectl-client-side-apply" using apps/v1'
    assert cause.field == ".spec.replicas"


def test_several_conflicts_are_listed_by_manager():
    created = apply(None, deployment(), "carol")
    with pytest.raises(ApiError) as caught:
        apply(created, deployment(replicas=3, image="web:2"))
    assert caught.value.message == (
        'Apply failed with 2 conflicts: conflicts with "carol":\n'
        "- .spec.replicas\n"
        '- .spec.template.spec.containers[name="web"].image'
    )


def test_force_takes_the_field_from_its_owner():
    created = apply(None, deployment(), "carol")
    forced = apply(created, deployment(replicas=3), force=True)
    assert forced["spec"]["replicas"] == 3
    assert "f:replicas" not in entry(forced, "carol")["fieldsV1"]["f:spec"]
    assert "f:replicas" in entry(forced, "alice")["fieldsV1"]["f:spec"]


def test_the_same_value_is_shared_not_disputed():
    created = apply(None, deployment(), "carol")
    assert managers(apply(created, deployment())) == ["alice", "carol"]


def test_adding_a_container_beside_another_managers_is_no_conflict():
    created = update(None, deployment())
    applied = deployment()
    containers(applied)[0] = {"name": "side", "image": "side:1"}
    del applied["spec"]["replicas"]
    merged = apply(created, applied)
    assert [c["name"] for c in containers(merged)] == ["side", "web"]


def test_an_update_takes_what_it_changes_and_only_that():
    created = apply(None, deployment())
    changed = copy.deepcopy(created)
    changed["spec"]["replicas"] = 5
    updated = update(created, changed, "scaler")
    assert entry(updated, "scaler")["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in entry(updated, "alice")["fieldsV1"]["f:spec"]


def test_an_update_that_changes_nothing_leaves_the_owners_alone():
    created = update(None, deployment())
    assert update(created, created, "somebody", now=NOW + timedelta(hours=1)) == created


def test_removing_a_field_removes_its_ownership():
    created = apply(None, deployment(labels={"app": "web"}))
    bare = copy.deepcopy(created)
    del bare["metadata"]["labels"]
    assert "f:metadata" not in entry(update(created, bare), "alice")["fieldsV1"]


def test_status_updates_are_owned_apart():
    created = update(None, deployment())
    running = {**created, "status": {"replicas": 1}}
    updated = update(created, running, "controller", subresource="status")
    assert entry(updated, "controller")["subresource"] == "status"
    assert "f:status" in entry(updated, "controller")["fieldsV1"]


def test_an_untracked_objects_past_is_a_manager_of_its_own():
    with pytest.raises(ApiError) as caught:
        apply(deployment(), deployment(replicas=2))
    assert '"before-first-apply" using apps/v1' in caught.value.message


def test_the_caller_may_not_state_ownership():
    with pytest.raises(ApiError) as caught:
        apply(None, deployment(managedFields=[{"manager": "x"}]))
    assert caught.value.code == 400


def test_a_list_item_without_its_key_is_refused():
    applied = deployment()
    del containers(applied)[0]["name"]
    with pytest.raises(ApiError, match="without a unique name"):
        apply(None, applied)


def client_side_applied():
    config = deployment()
    annotation = {LAST_APPLIED: json.dumps(config)}
    return update(None, deployment(annotations=annotation), "kubectl-client-side-apply")


def test_kubectl_moves_on_from_its_own_client_side_apply():
    merged = apply(client_side_applied(), deployment(image="web:2"), "kubectl")
    assert containers(merged)[0]["image"] == "web:2"
    annotation = json.loads(merged["metadata"]["annotations"][LAST_APPLIED])
    assert containers(annotation)[0]["image"] == "web:2"


def test_kubectl_still_conflicts_where_others_changed_what_it_had_applied():
    live = client_side_applied()
    scaled = copy.deepcopy(live)
    scaled["spec"]["replicas"] = 4
    live = update(live, scaled, "scaler")
    with pytest.raises(ApiError) as caught:
        apply(live, deployment(replicas=2), "kubectl")
    assert [cause.field for cause in caught.value.causes] == [".spec.replicas"]


def test_other_managers_get_no_such_grace():
    with pytest.raises(ApiError, match="kubectl-client-side-apply"):
        apply(client_side_applied(), deployment(image="web:2"), "helm")


def test_owners_written_by_the_client_replace_those_of_the_live_object():
    live = client_side_applied()
    migrated = copy.deepcopy(live)
    migrated["metadata"]["managedFields"][0]["manager"] = "kubectl"
    migrated["metadata"]["managedFields"][0]["operation"] = "Apply"
    assert managers(update(live, migrated)) == ["kubectl"]


WORKSPACE = shape_of_schema(
    {
        "type": "object",
        "properties": {
            "adapters": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name", "kind"],
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "kind": {"type": "string", "default": "lora"},
                    },
                },
            },
            "tags": {"type": "array", "x-kubernetes-list-type": "set"},
            "nodes": {"type": "array", "items": {"type": "string"}},
            "selector": {"type": "object", "x-kubernetes-map-type": "atomic"},
        },
    }
)


def workspace(**fields):
    return {"apiVersion": "kaito.sh/v1alpha1", "kind": "Workspace", "metadata": {}, **fields}


def test_list_map_keys_come_from_the_schema_with_their_defaults():
    one = workspace(adapters=[{"name": "a", "strength": "1"}])
    created = apply(None, one, shape=WORKSPACE)
    item = 'k:{"kind":"lora","name":"a"}'
    assert item in entry(created, "alice")["fieldsV1"]["f:adapters"]
    other = workspace(adapters=[{"name": "a", "kind": "full"}])
    both = apply(created, other, "bob", shape=WORKSPACE)
    assert [a.get("kind", "lora") for a in both["adapters"]] == ["full", "lora"]


def test_sets_merge_and_each_manager_takes_out_its_own():
    both = apply(
        apply(None, workspace(tags=["a", "b"]), shape=WORKSPACE),
        workspace(tags=["b", "c"]),
        "bob",
        shape=WORKSPACE,
    )
    assert sorted(both["tags"]) == ["a", "b", "c"]
    assert apply(both, workspace(tags=[]), shape=WORKSPACE)["tags"] == ["b", "c"]


@pytest.mark.parametrize("field", [{"nodes": ["n2"]}, {"selector": {"y": "2"}}])
def test_atomic_parts_are_replaced_whole(field):
    created = apply(None, workspace(nodes=["n1"], selector={"x": "1"}), shape=WORKSPACE)
    replaced = apply(created, workspace(**field), shape=WORKSPACE)
    assert {name: replaced[name] for name in field} == field


names = st.sampled_from(["a", "b", "c"])
adapters = st.lists(
    st.fixed_dictionaries({"name": names}, optional={"strength": st.sampled_from(["0", "1"])}),
    unique_by=lambda adapter: adapter["name"],
)
workspaces = st.builds(
    workspace,
    adapters=adapters,
    tags=st.lists(names, unique=True),
    nodes=st.lists(names),
    labels=st.dictionaries(names, st.one_of(names, st.none())),
)


@settings(deadline=None)
@given(live=workspaces, applied=workspaces)
def test_apply_is_idempotent_on_any_object(live, applied):
    tracked = update(None, live, shape=WORKSPACE)
    before = copy.deepcopy((tracked, applied))
    once = apply(tracked, applied, shape=WORKSPACE, force=True)
    assert apply(once, applied, shape=WORKSPACE, now=NOW + timedelta(hours=1)) == once
    assert (tracked, applied) == before


@settings(deadline=None)
@given(first=workspaces, second=workspaces)
def test_a_sole_applier_gets_exactly_what_it_applied_last(first, second):
    lived = apply(None, first, shape=WORKSPACE)
    fresh = without_owners(apply(None, second, shape=WORKSPACE))
    later = without_owners(apply(lived, second, shape=WORKSPACE))
    assert later == fresh
