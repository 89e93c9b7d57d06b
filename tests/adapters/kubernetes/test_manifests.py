"""The objects of a workspace, as KAITO's users and provisioners know them."""

from dataclasses import replace

from adapters.kubernetes.manifests import Images, node_claim, stateful_set
from engine.capacity_type import CapacityType
from engine.phase import Phase
from engine.workspace import Adapter, DataSource
from tests.engine.scenes import PHI_3, SMALL, workspace

OF = workspace(Phase.PROVISIONING, PHI_3)
SPOT = replace(OF.machine.plan, capacity_type=CapacityType.SPOT)
SPOT_TAINT = "kubernetes.azure.com/scalesetpriority"


def required(claim: dict) -> dict[str, list[str]]:
    return {item["key"]: item["values"] for item in claim["spec"]["requirements"]}


def tolerated(plan) -> set[str]:
    pod = stateful_set(OF, plan, "r", Images())["spec"]["template"]["spec"]
    return {toleration["key"] for toleration in pod["tolerations"]}


def test_spot_is_asked_for_only_where_it_is_meant():
    assert required(node_claim(OF, "ws1", SPOT))["karpenter.sh/capacity-type"] == ["spot"]
    assert "karpenter.sh/capacity-type" not in required(node_claim(OF, "ws1", OF.machine.plan))


def test_pods_bear_the_taint_of_spot_nodes_only_where_they_run_on_them():
    assert SPOT_TAINT in tolerated(SPOT)
    assert SPOT_TAINT not in tolerated(OF.machine.plan)


def test_a_claim_is_what_kaitos_provisioners_expect():
    claim = node_claim(OF, "ws012345678", OF.machine.plan)
    assert (
        claim["metadata"]["labels"].items()
        >= {
            "karpenter.sh/nodepool": "kaito",
            "kaito.sh/workspace": "demo",
            "kaito.sh/workspacenamespace": "default",
            "apps": "phi-3",
        }.items()
    )
    assert claim["metadata"]["annotations"] == {
        "karpenter.sh/do-not-disrupt": "true",
        "kaito.sh/node-image-family": "ubuntu",
    }
    assert required(claim) == {
        "karpenter.sh/nodepool": ["kaito"],
        "node.kubernetes.io/instance-type": ["Standard_NC6s_v3"],
        "kubernetes.io/os": ["linux"],
        "karpenter.azure.com/sku-name": ["Standard_NC6s_v3"],
    }
    assert claim["spec"]["nodeClassRef"] == {
        "group": "kaito.sh",
        "kind": "KaitoNodeClass",
        "name": "default",
    }
    assert claim["spec"]["taints"] == [{"key": "sku", "value": "gpu", "effect": "NoSchedule"}]
    assert claim["spec"]["resources"]["requests"] == {"storage": "87Gi"}
    assert claim["spec"]["expireAfter"] == "Never"


def test_a_disk_of_unknown_size_is_a_large_one():
    claim = node_claim(OF, "ws1", replace(OF.machine.plan, disk_gib=0))
    assert claim["spec"]["resources"]["requests"] == {"storage": "1024Gi"}


def test_a_machine_that_is_not_azures_has_no_sku():
    local = workspace(Phase.PROVISIONING, SMALL)
    assert "karpenter.azure.com/sku-name" not in required(
        node_claim(local, "ws1", local.machine.plan)
    )


def test_labels_that_say_whose_a_node_is_are_not_the_users_to_choose():
    theirs = {"kaito.sh/workspace": "another", "kaito.sh/ragengine": "r", "apps": "x"}
    resource = replace(PHI_3.resource, match_labels=theirs)
    of = workspace(Phase.PROVISIONING, replace(PHI_3, resource=resource))
    labels = node_claim(of, "ws1", of.machine.plan)["metadata"]["labels"]
    assert labels["kaito.sh/workspace"] == "demo"
    assert "kaito.sh/ragengine" not in labels
    assert labels["apps"] == "x"


def arguments(of) -> dict[str, list[str]]:
    """Of each container, by its name."""
    pod = stateful_set(of, of.machine.plan, "r", Images())["spec"]["template"]["spec"]
    return {one["name"]: one["args"] for one in (*pod["initContainers"], *pod["containers"])}


def test_gpus_are_served_half_precision_with_settings_of_their_own():
    gpu, cpu = arguments(OF), arguments(workspace(Phase.PROVISIONING, SMALL))
    assert "--precision=fp16" in gpu["weights"]
    assert "--model-config-name=gpu" in gpu["triton"]
    assert not any("precision" in argument for argument in cpu["weights"])
    assert not any("config-name" in argument for argument in cpu["triton"])


def test_adapters_reach_the_model_and_their_strengths_the_gateway():
    volume = {"hostPath": {"path": "/somewhere"}}
    german = Adapter(source=DataSource(name="german", image="r/german:1"), strength="0.5")
    french = Adapter(source=DataSource(name="french", volume=volume))
    of = workspace(
        Phase.PROVISIONING,
        replace(SMALL, inference=replace(SMALL.inference, adapters=(german, french))),
    )
    pod = stateful_set(of, of.machine.plan, "r", Images())["spec"]["template"]["spec"]
    triton, gateway = pod["containers"]
    environment = {one["name"]: one.get("value") for one in triton["env"]}
    assert environment["MOORAGE_ADAPTERS_DIRECTORY"] == "/mnt/adapter"
    assert environment["MOORAGE_ADAPTERS"] == (
        "german=/mnt/adapter/german,french=/mnt/adapter/french"
    )
    mounts = {mount["mountPath"]: mount["name"] for mount in triton["volumeMounts"]}
    assert mounts["/mnt/adapter/french"] == "adapter-volume-french"
    assert mounts["/mnt/adapter"] == "adapters"
    assert {"--adapter=german=0.5", "--adapter=french=1.0"} <= set(gateway["args"])


def test_an_api_key_is_wanted_where_the_workspace_names_its_secret():
    of = workspace(Phase.PROVISIONING, SMALL)
    assert not any("api-key" in argument for argument in arguments(of)["gateway"])
    guarded = replace(of, annotations={"moorage.sh/api-key-secret": "mine"})
    assert "--api-key-file=/etc/moorage/api-key/api-key" in arguments(guarded)["gateway"]
    pod = stateful_set(guarded, of.machine.plan, "r", Images())["spec"]["template"]["spec"]
    assert {"name": "api-key", "secret": {"secretName": "mine"}} in pod["volumes"]
    (mount,) = pod["containers"][1]["volumeMounts"]
    assert (mount["name"], mount["mountPath"]) == ("api-key", "/etc/moorage/api-key")
