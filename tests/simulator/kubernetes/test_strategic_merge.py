"""Strategic merge patches, in the forms that kubectl sends."""

import copy

import pytest

from simulator.kubernetes.patch import strategic_merge
from simulator.kubernetes.status import ApiError


def deployment(*containers, **pod_spec):
    return {"spec": {"template": {"spec": {"containers": list(containers), **pod_spec}}}}


def pod_spec(obj):
    return obj["spec"]["template"]["spec"]


WEB = {"name": "web", "image": "web:1", "env": [{"name": "A", "value": "1"}]}
SIDE = {"name": "side", "image": "side:1"}


def test_items_merge_by_their_key_and_new_ones_come_last():
    patch = deployment({"name": "web", "image": "web:2"}, {"name": "new", "image": "new:1"})
    merged = pod_spec(strategic_merge(deployment(WEB, SIDE), patch, "Deployment"))
    assert merged["containers"] == [
        {**WEB, "image": "web:2"},
        SIDE,
        {"name": "new", "image": "new:1"},
    ]


def test_lists_merge_at_any_depth():
    patch = deployment({"name": "web", "env": [{"name": "B", "value": "2"}]})
    (web, _) = pod_spec(strategic_merge(deployment(WEB, SIDE), patch, "Deployment"))["containers"]
    assert [variable["name"] for variable in web["env"]] == ["A", "B"]


def test_an_item_is_deleted_by_directive():
    patch = deployment({"name": "side", "$patch": "delete"})
    assert pod_spec(strategic_merge(deployment(WEB, SIDE), patch, "Deployment"))["containers"] == [
        WEB
    ]


def test_a_list_is_replaced_by_directive():
    patch = deployment({"$patch": "replace"}, SIDE)
    assert pod_spec(strategic_merge(deployment(WEB), patch, "Deployment"))["containers"] == [SIDE]


def test_a_map_is_replaced_or_deleted_by_directive():
    doc = {"metadata": {"labels": {"a": "1"}, "annotations": {"b": "2"}}}
    patch = {
        "metadata": {"labels": {"$patch": "replace", "c": "3"}, "annotations": {"$patch": "delete"}}
    }
    assert strategic_merge(doc, patch, "Pod") == {"metadata": {"labels": {"c": "3"}}}


def test_retain_keys_drops_the_other_members_of_a_union():
    volumes = [{"name": "v", "emptyDir": {}}]
    patch = deployment(
        volumes=[{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}]
    )
    merged = pod_spec(strategic_merge(deployment(volumes=volumes), patch, "Deployment"))
    assert merged["volumes"] == [{"name": "v", "hostPath": {"path": "/x"}}]


def test_retain_keys_of_a_strategy():
    doc = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic_merge(doc, patch, "Deployment")["spec"] == {"strategy": {"type": "Recreate"}}


def test_finalizers_are_a_set():
    doc = {"metadata": {"finalizers": ["a", "b"]}}
    added = strategic_merge(doc, {"metadata": {"finalizers": ["b", "c"]}}, "ConfigMap")
    assert added["metadata"]["finalizers"] == ["a", "b", "c"]
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}
    assert strategic_merge(added, patch, "ConfigMap")["metadata"]["finalizers"] == ["b", "c"]


def test_an_order_is_kept_among_those_it_names():
    patch = deployment({"name": "new", "image": "new:1"})
    pod_spec(patch)["$setElementOrder/containers"] = [
        {"name": "new"},
        {"name": "side"},
        {"name": "web"},
    ]
    merged = pod_spec(strategic_merge(deployment(WEB, SIDE), patch, "Deployment"))
    assert [container["name"] for container in merged["containers"]] == ["new", "side", "web"]


def test_conditions_merge_by_type():
    doc = {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Booting"}]}}
    patch = {
        "status": {
            "$setElementOrder/conditions": [{"type": "Ready"}, {"type": "DiskPressure"}],
            "conditions": [
                {"type": "Ready", "status": "True"},
                {"type": "DiskPressure", "status": "False"},
            ],
        }
    }
    assert strategic_merge(doc, patch, "Node")["status"]["conditions"] == [
        {"type": "Ready", "status": "True", "reason": "Booting"},
        {"type": "DiskPressure", "status": "False"},
    ]


@pytest.mark.parametrize(
    ("kind", "doc", "patch", "merged"),
    [
        (
            "Service",
            {"spec": {"ports": [{"port": 80, "name": "http"}]}},
            {"spec": {"ports": [{"port": 80, "targetPort": 8080}, {"port": 443}]}},
            {"spec": {"ports": [{"port": 80, "name": "http", "targetPort": 8080}, {"port": 443}]}},
        ),
        (
            "Node",
            {"spec": {"taints": [{"key": "sku", "value": "cpu", "effect": "NoSchedule"}]}},
            {"spec": {"taints": [{"key": "sku", "value": "gpu"}]}},
            {"spec": {"taints": [{"key": "sku", "value": "gpu"}]}},
        ),
        (
            "Pod",
            {"spec": {"tolerations": [{"key": "a"}]}},
            {"spec": {"tolerations": [{"key": "b"}]}},
            {"spec": {"tolerations": [{"key": "b"}]}},
        ),
        (
            "Pod",
            {"metadata": {"ownerReferences": [{"uid": "1", "name": "a"}]}},
            {"metadata": {"ownerReferences": [{"uid": "1", "$patch": "delete"}]}},
            {"metadata": {"ownerReferences": []}},
        ),
        (
            "ServiceAccount",
            {"secrets": [{"name": "a"}], "imagePullSecrets": [{"name": "a"}]},
            {"secrets": [{"name": "b"}], "imagePullSecrets": [{"name": "b"}]},
            {"secrets": [{"name": "a"}, {"name": "b"}], "imagePullSecrets": [{"name": "b"}]},
        ),
        ("ConfigMap", {"data": {"a": "1"}}, {"data": {"a": None, "b": "2"}}, {"data": {"b": "2"}}),
        ("Pod", {}, {"metadata": {"labels": {"a": None}}}, {"metadata": {"labels": {}}}),
        (
            "Deployment",
            {"spec": {"replicas": 1}},
            {"spec": {"replicas": 3}},
            {"spec": {"replicas": 3}},
        ),
    ],
)
def test_each_list_has_its_own_way(kind, doc, patch, merged):
    before = copy.deepcopy((doc, patch))
    assert strategic_merge(doc, patch, kind) == merged
    assert (doc, patch) == before


@pytest.mark.parametrize(
    ("patch", "text"),
    [
        (deployment({"image": "x"}), "does not contain declared merge key: name"),
        ({"spec": {"$patch": "explode"}}, "unknown \\$patch directive 'explode'"),
        (deployment({"name": "web", "$patch": "explode"}), "unknown \\$patch directive"),
    ],
)
def test_a_patch_that_makes_no_sense_is_refused(patch, text):
    with pytest.raises(ApiError, match=text) as caught:
        strategic_merge(deployment(WEB), patch, "Deployment")
    assert caught.value.code == 400
