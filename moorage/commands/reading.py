"""``get``, ``explain``, ``plan``: what there is, why, and what there would be."""

from datetime import UTC, datetime
from typing import NamedTuple

from api.names import ANY_NAMESPACE, workspace_name
from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from engine.workspace import WorkspaceRef
from moorage.client import connected
from moorage.failure import Failure
from moorage.manifests import plan_request, read_manifests
from moorage.options import ListFormat, TextFormat
from moorage.terminal import notes, print_table, results
from moorage.views.custom_resource import custom_resource
from moorage.views.documents import document, fields
from moorage.views.explanation import explanation_view
from moorage.views.plan import plan_view, refusal_view
from moorage.views.workspaces import NAMESPACE, NORMAL, WIDE, plain_name, plain_table


class Selection(NamedTuple):
    """``name`` None means all of the namespace (``-`` for all namespaces) that match the labels."""

    namespace: str
    name: str | None
    labels: str


async def get(address: str, selection: Selection, form: ListFormat) -> None:
    async with connected(address) as client:
        if selection.name is not None:
            ref = WorkspaceRef(namespace=selection.namespace, name=selection.name)
            found = [await client.get(workspace_name(ref))]
        else:
            found = await client.list_all(f"namespaces/{selection.namespace}", selection.labels)
    if form in {ListFormat.JSON, ListFormat.YAML}:
        objects = [custom_resource(workspace) for workspace in found]
        results().out(document(objects if selection.name is None else objects[0], form))
    elif form is ListFormat.NAME:
        for workspace in found:
            results().out(f"workspace.kaito.sh/{plain_name(workspace)}")
    elif not found:
        notes().print("no workspaces found")
    else:
        _print_table(found, selection, form)


def _print_table(found: list[pb.Workspace], selection: Selection, form: ListFormat) -> None:
    columns = WIDE if form is ListFormat.WIDE else NORMAL
    if selection.namespace == ANY_NAMESPACE:
        columns = (NAMESPACE, *columns)
    print_table(plain_table(found, columns=columns, now=datetime.now(UTC)))


async def explain(address: str, ref: WorkspaceRef, form: TextFormat) -> None:
    async with connected(address) as client:
        explanation = await client.explain(workspace_name(ref))
    if form is TextFormat.TEXT:
        results().print(explanation_view(str(ref), explanation, now=datetime.now(UTC)))
    else:
        results().out(document(fields(explanation), form))


async def plan_existing(address: str, ref: WorkspaceRef, form: TextFormat) -> None:
    async with connected(address) as client:
        stored = await client.get(workspace_name(ref))
        request = service.PlanWorkspaceRequest(
            parent=f"namespaces/{ref.namespace}", workspace_id=ref.name, workspace=stored
        )
        answer = await client.plan(request)
    _tell([(ref, answer)], form)


async def plan_file(address: str, text: str, namespace: str, form: TextFormat) -> None:
    manifests = read_manifests(text, namespace=namespace)
    async with connected(address) as client:
        answers = [(it.ref, await client.plan(plan_request(it))) for it in manifests]
    _tell(answers, form)


def _tell(
    answers: list[tuple[WorkspaceRef, service.PlanWorkspaceResponse]], form: TextFormat
) -> None:
    """Raises Failure where one would not be planned, after telling about all."""
    for _, answer in answers:
        for warning in answer.warnings:
            notes().print(f"Warning: {warning}", style="yellow")
    if form is not TextFormat.TEXT:
        plans = [{"workspace": str(ref), **fields(answer)} for ref, answer in answers]
        results().out(document(plans if len(plans) > 1 else plans[0], form))
    else:
        for ref, answer in answers:
            planned = answer.HasField("plan")
            view = plan_view(ref, answer) if planned else refusal_view(ref, answer.refusal)
            results().print(view)
    refused = [str(ref) for ref, answer in answers if answer.HasField("refusal")]
    if refused:
        raise Failure("accepted as it is, it would fail: " + ", ".join(refused))
