"""The store keeps its port's contract on the Kubernetes API."""

import asyncio
from dataclasses import replace

import pytest

from adapters.kubernetes.kinds import WORKSPACE
from adapters.kubernetes.workspaces import KubernetesWorkspaces
from engine.errors import AlreadyExists, NotFound, Refused, Stale, WatchExpired
from engine.phase import Phase
from engine.ports import Changed, NewWorkspace, Removed, StoreEvent
from engine.workspace import Adapter, DataSource, PresetChoice, WorkspaceRef
from tests.adapters.kubernetes.conftest import connected, simulated
from tests.engine.scenes import PHI_3, SMALL

REF = WorkspaceRef(namespace="default", name="demo")


def new(name: str = "demo", **changes) -> NewWorkspace:
    asked = NewWorkspace(
        ref=WorkspaceRef(namespace="default", name=name), spec=SMALL, labels={}, annotations={}
    )
    return replace(asked, **changes)


async def first(events, count: int) -> list[StoreEvent]:
    found = []
    async with asyncio.timeout(5):
        async for event in events:
            if isinstance(event, Changed | Removed):
                found.append(event)
            if len(found) == count:
                return found
    return found


async def test_what_is_created_is_read_back_pending(store):
    made = await store.create(new(spec=PHI_3, labels={"team": "a"}))
    read = await store.get(REF)
    assert read == made
    assert (read.spec, read.labels, read.machine.phase) == (PHI_3, {"team": "a"}, Phase.PENDING)


async def test_a_dry_run_stores_nothing(store):
    await store.create(new(), dry_run=True)
    with pytest.raises(NotFound):
        await store.get(REF)


async def test_a_name_is_taken_once(store):
    await store.create(new())
    with pytest.raises(AlreadyExists):
        await store.create(new())


async def test_the_clusters_own_admission_refuses_with_fields(store):
    wrong = replace(SMALL, inference=replace(SMALL.inference, preset=PresetChoice(name="nope")))
    with pytest.raises(Refused) as refused:
        await store.create(new(spec=wrong))
    assert [v.field for v in refused.value.violations] == ["inference.preset.name"]


async def test_a_missing_namespace_is_told_by_its_field(store):
    elsewhere = WorkspaceRef(namespace="nowhere", name="demo")
    with pytest.raises(Refused, match='namespaces "nowhere" not found') as refused:
        await store.create(new(ref=elsewhere))
    assert [v.field for v in refused.value.violations] == ["metadata.namespace"]


async def test_the_machines_state_is_kept_and_guarded(store):
    made = await store.create(new())
    moved = replace(made, machine=replace(made.machine, phase=Phase.PLANNING, message="m"))
    saved = await store.save(moved)
    assert saved.machine == moved.machine
    assert (await store.get(REF)).machine == moved.machine
    with pytest.raises(Stale):
        await store.save(moved)


async def test_saving_a_state_does_not_make_a_new_generation(store):
    made = await store.create(new())
    saved = await store.save(replace(made, machine=replace(made.machine, phase=Phase.PLANNING)))
    assert saved.generation == made.generation


async def test_an_update_is_guarded_and_leaves_the_state_alone(store):
    made = await store.create(new())
    saved = await store.save(replace(made, machine=replace(made.machine, phase=Phase.PLANNING)))
    adapter = Adapter(source=DataSource(name="a", image="example.org/a:1"), strength="0.5")
    spec = replace(SMALL, inference=replace(SMALL.inference, adapters=(adapter,)))
    with pytest.raises(Stale):
        await store.update(replace(made, spec=spec))
    updated = await store.update(replace(saved, spec=spec, labels={"a": "b"}))
    assert (updated.spec, updated.labels) == (spec, {"a": "b"})
    assert updated.machine.phase is Phase.PLANNING
    assert updated.generation == made.generation + 1


async def test_what_is_accepted_instead_is_kept_in_annotations_and_can_be_taken_back(
    store, objects
):
    resource = replace(SMALL.resource, capacity_types=("spot", "on-demand"))
    made = await store.create(replace(new(), spec=replace(SMALL, resource=resource)))
    assert made.spec.resource == resource
    item = await objects.get(WORKSPACE, "demo", "default")
    assert item["metadata"]["annotations"] == {"moorage.sh/capacity-types": "spot, on-demand"}
    taken_back = await store.update(replace(made, spec=SMALL))
    assert taken_back.spec == SMALL


async def test_an_update_keeps_what_others_hold_on_the_object(store, objects):
    made = await store.create(new())
    await objects.merge(WORKSPACE, "demo", "default", {"metadata": {"finalizers": ["a.b/c"]}})
    current = await store.get(made.ref)
    await store.update(replace(current, labels={"a": "b"}))
    item = await objects.get(WORKSPACE, "demo", "default")
    assert item["metadata"]["finalizers"] == ["a.b/c"]


async def test_deleting_is_guarded_and_told_whether_it_is_over(store, objects):
    made = await store.create(new())
    await objects.merge(WORKSPACE, "demo", "default", {"metadata": {"finalizers": ["a.b/c"]}})
    with pytest.raises(Stale):
        await store.delete(REF, resource_version=made.resource_version)
    going = await store.delete(REF)
    assert going is not None
    assert going.deletion_requested is not None
    await objects.merge(WORKSPACE, "demo", "default", {"metadata": {"finalizers": None}})
    with pytest.raises(NotFound):
        await store.delete(REF)


async def test_a_list_comes_in_pages_of_one_instant(store):
    for name in ("a", "b", "c"):
        await store.create(new(name))
    page = await store.list(namespace="default", page_size=2)
    await store.create(new("d"))
    rest = await store.list(namespace="default", page_size=2, token=page.next_token)
    assert [w.ref.name for w in (*page.workspaces, *rest.workspaces)][:3] == ["a", "b", "c"]
    assert page.revision == rest.revision


async def test_a_list_may_be_of_one_namespace_and_by_label(store):
    await store.create(new("a", labels={"x": "1"}))
    await store.create(new("b"))
    found = await store.list(namespace="", page_size=10, labels="x=1")
    assert [w.ref.name for w in found.workspaces] == ["a"]
    elsewhere = await store.list(namespace="kube-system", page_size=10)
    assert elsewhere.workspaces == []


async def test_a_watch_tells_every_change_since_a_revision(store):
    before = (await store.list(namespace="", page_size=10)).revision
    made = await store.create(new())
    saved = await store.save(replace(made, machine=replace(made.machine, phase=Phase.PLANNING)))
    await store.delete(REF)
    seen = await first(store.watch(namespace="", since=before), 3)
    assert [type(event) for event in seen] == [Changed, Changed, Removed]
    assert seen[1].workspace == saved


async def test_a_revision_that_is_forgotten_is_told_as_such(tmp_path):
    """An API server remembers changes, not history: after its restart old revisions are gone."""
    database = tmp_path / "cluster.sqlite"
    earlier = simulated(database)
    async with connected(earlier) as objects:
        before = (await KubernetesWorkspaces(objects).list(namespace="", page_size=10)).revision
        await KubernetesWorkspaces(objects).create(new())
    earlier.close()
    later = simulated(database)
    async with connected(later) as objects:
        with pytest.raises(WatchExpired):
            await first(KubernetesWorkspaces(objects).watch(namespace="", since=before), 1)
    later.close()
