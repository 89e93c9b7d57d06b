"""The official Python client, asyncio flavour, unchanged against the HTTP door."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from kubernetes.aio import client, watch

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.http_door import HttpDoor

WIDGETS = ("example.org", "v1", "default", "widgets")
WIDGET = {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "one"}}


@pytest.fixture
async def api(api_server: ApiServer) -> AsyncIterator[client.ApiClient]:
    door = HttpDoor(api_server)
    configuration = client.Configuration(host=await door.start())
    client.Configuration.set_default(configuration)
    async with client.ApiClient(configuration) as api:
        yield api
    client.Configuration.set_default(None)
    await door.stop()


@pytest.fixture
def widgets(api_server: ApiServer, api: client.ApiClient) -> client.CustomObjectsApi:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}}
    version["schema"] = {"openAPIV3Schema": schema}
    names = {"kind": "Widget", "plural": "widgets"}
    spec = {"group": "example.org", "scope": "Namespaced", "names": names, "versions": [version]}
    head = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    api_server.create({**head, "metadata": {"name": "widgets.example.org"}, "spec": spec})
    return client.CustomObjectsApi(api)


async def test_custom_objects_as_the_adapters_use_them(widgets: client.CustomObjectsApi) -> None:
    made = await widgets.create_namespaced_custom_object(*WIDGETS, {**WIDGET, "spec": {"n": 1}})
    await widgets.replace_namespaced_custom_object(*WIDGETS, "one", {**made, "spec": {"n": 2}})
    with pytest.raises(client.ApiException) as raised:
        await widgets.replace_namespaced_custom_object(*WIDGETS, "one", made)
    assert raised.value.status == 409
    status = {"status": {"phase": "Ready"}}
    changed = await widgets.patch_namespaced_custom_object_status(*WIDGETS, "one", status)
    assert (changed["spec"], changed["status"]) == ({"n": 2}, {"phase": "Ready"})
    assert changed["metadata"]["generation"] == 2
    listed = await widgets.list_namespaced_custom_object(*WIDGETS)
    assert [each["metadata"]["name"] for each in listed["items"]] == ["one"]
    await widgets.delete_namespaced_custom_object(*WIDGETS, "one")
    with pytest.raises(client.ApiException) as raised:
        await widgets.get_namespaced_custom_object(*WIDGETS, "one")
    assert raised.value.status == 404


async def test_a_watch_follows_from_list_to_deletion(widgets: client.CustomObjectsApi) -> None:
    await widgets.create_namespaced_custom_object(*WIDGETS, WIDGET)
    seen: list[str] = []
    listing = widgets.list_namespaced_custom_object
    async with watch.Watch() as events:
        async for event in events.stream(listing, *WIDGETS, timeout_seconds=20):
            seen.append(event["type"])
            match event["type"]:
                case "ADDED":
                    changed = {"spec": {"n": 1}}
                    await widgets.patch_namespaced_custom_object(*WIDGETS, "one", changed)
                case "MODIFIED":
                    await widgets.delete_namespaced_custom_object(*WIDGETS, "one")
                case "DELETED":
                    break
    assert seen == ["ADDED", "MODIFIED", "DELETED"]


async def test_typed_models_read_what_is_served(api: client.ApiClient) -> None:
    labels = {"a": "b"}
    pod_spec = client.V1PodSpec(containers=[client.V1Container(name="c", image="x")])
    template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels=labels), spec=pod_spec)
    selector = client.V1LabelSelector(match_labels=labels)
    deployment = client.V1Deployment(
        metadata=client.V1ObjectMeta(name="d"),
        spec=client.V1DeploymentSpec(selector=selector, template=template),
    )
    apps = client.AppsV1Api(api)
    made = await apps.create_namespaced_deployment("default", deployment)
    assert made.spec.replicas == 1
    patched = await apps.patch_namespaced_deployment("d", "default", {"spec": {"replicas": 2}})
    assert patched.spec.replicas == 2
    core = client.CoreV1Api(api)
    service = await core.read_namespaced_service("kubernetes", "default")
    assert service.spec.cluster_ip == "127.64.250.1"
    assert "default" in [each.metadata.name for each in (await core.list_namespace()).items]


async def test_leases_keep_microseconds(api: client.ApiClient) -> None:
    instant = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
    lease = client.V1Lease(
        metadata=client.V1ObjectMeta(name="l"),
        spec=client.V1LeaseSpec(holder_identity="me", renew_time=instant),
    )
    leases = client.CoordinationV1Api(api)
    await leases.create_namespaced_lease("default", lease)
    assert (await leases.read_namespaced_lease("l", "default")).spec.renew_time == instant
