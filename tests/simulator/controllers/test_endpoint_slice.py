SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default, labels: {team: a}}
spec:
  selector: {app: web}
  ports:
    - {name: http, port: 80, targetPort: chat}
    - {name: grpc, port: 8001}
"""


def pod(name, app="web", port=5000):
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: default, labels: {{app: {app}}}}}
spec:
  hostname: {name}
  subdomain: web
  containers:
    - {{name: main, image: i, ports: [{{name: chat, containerPort: {port}}}]}}
"""


def ready_addresses(world):
    return {
        address: tuple(sorted((port["name"], port["port"]) for port in item["ports"]))
        for item in world.objects.list("EndpointSlice")
        for endpoint in item["endpoints"]
        for address in endpoint["addresses"]
        if endpoint["conditions"]["ready"]
    }


def endpoints(world):
    return world.objects.get("Endpoints", "web", "default").get("subsets", [])


def test_ready_pods_are_listed_with_their_resolved_ports(world):
    world.create(SERVICE)
    world.create(pod("a"))
    world.run_pod("a", ip="127.65.0.2")
    assert ready_addresses(world) == {"127.65.0.2": (("grpc", 8001), ("http", 5000))}
    (slice_,) = world.objects.list("EndpointSlice")
    assert slice_["metadata"]["labels"]["kubernetes.io/service-name"] == "web"
    (endpoint,) = slice_["endpoints"]
    assert endpoint["targetRef"]["name"] == "a"
    assert endpoint["hostname"] == "a"
    (subset,) = endpoints(world)
    assert [item["ip"] for item in subset["addresses"]] == ["127.65.0.2"]


def test_a_service_without_pods_has_one_empty_slice(world):
    world.create(SERVICE)
    (slice_,) = world.objects.list("EndpointSlice")
    assert slice_["endpoints"] == []


def test_pods_that_are_not_ready_are_listed_as_such(world):
    world.create(SERVICE)
    world.create(pod("a"))
    world.run_pod("a", ready=False, ip="127.65.0.2")
    assert ready_addresses(world) == {}
    (subset,) = endpoints(world)
    assert "addresses" not in subset
    assert [item["ip"] for item in subset["notReadyAddresses"]] == ["127.65.0.2"]
    world.set_condition("Pod", "a", "Ready", "True")
    assert list(ready_addresses(world)) == ["127.65.0.2"]


def test_publish_not_ready_addresses_lists_them_as_ready(world):
    world.create(SERVICE + "  publishNotReadyAddresses: true\n")
    world.create(pod("a"))
    world.run_pod("a", ready=False, ip="127.65.0.2")
    assert list(ready_addresses(world)) == ["127.65.0.2"]
    assert [item["ip"] for item in endpoints(world)[0]["addresses"]] == ["127.65.0.2"]


def test_a_named_port_that_differs_by_pod_makes_a_slice_for_each(world):
    world.create(SERVICE)
    world.create(pod("a", port=5000))
    world.create(pod("b", port=6000))
    world.run_pod("a", ip="127.65.0.2")
    world.run_pod("b", ip="127.65.0.3")
    assert ready_addresses(world) == {
        "127.65.0.2": (("grpc", 8001), ("http", 5000)),
        "127.65.0.3": (("grpc", 8001), ("http", 6000)),
    }
    assert len(endpoints(world)) == 2


def test_terminating_and_finished_pods_leave(world):
    world.add_node("one")
    world.create(SERVICE)
    for name, ip in (("a", "127.65.0.2"), ("b", "127.65.0.3"), ("c", "127.65.0.4")):
        world.create(pod(name))
        world.run_pod(name, ip=ip)
    world.delete("Pod", "a")
    world.finish_pod("b", "Succeeded")
    assert list(ready_addresses(world)) == ["127.65.0.4"]


def test_a_pod_relabelled_out_of_the_service_leaves(world):
    world.create(SERVICE)
    world.create(pod("a"))
    world.run_pod("a", ip="127.65.0.2")
    found = world.objects.get("Pod", "a", "default")
    labels = {"labels": {"app": "other"}}
    world.objects.update({**found, "metadata": {**found["metadata"], **labels}})
    world.advance()
    assert ready_addresses(world) == {}
    assert endpoints(world) == []


def test_a_changed_selector_is_followed(world):
    world.create(SERVICE)
    for name, app, ip in (("a", "web", "127.65.0.2"), ("b", "other", "127.65.0.3")):
        world.create(pod(name, app))
        world.run_pod(name, ip=ip)
    world.change("Service", "web", selector={"app": "other"})
    assert list(ready_addresses(world)) == ["127.65.0.3"]


def test_services_without_selector_are_left_alone(world):
    world.create(SERVICE.replace("  selector: {app: web}\n", ""))
    assert world.objects.list("EndpointSlice") == []
    assert world.objects.list("Endpoints") == []


def test_deleting_the_service_removes_both(world):
    world.create(SERVICE)
    world.delete("Service", "web")
    assert world.objects.list("EndpointSlice") == []
    assert world.objects.list("Endpoints") == []


def test_many_pods_fill_several_slices(world):
    world.create(SERVICE)
    for number in range(101):
        world.create(pod(f"p{number}"))
        world.run_pod(f"p{number}", ip=f"127.65.0.{number + 2}")
    assert sorted(len(item["endpoints"]) for item in world.objects.list("EndpointSlice")) == [
        1,
        100,
    ]
    assert len(ready_addresses(world)) == 101
