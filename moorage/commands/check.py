"""``check``: the properties of the simulation, judged on a real cluster."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from moorage.cluster_access import cluster_objects, kubeconfig_to_read, read_cluster
from moorage.failure import Failure
from moorage.options import TextFormat
from moorage.simulation.verdicts import Verdict, confirmed, verdicts
from moorage.terminal import notes, print_table, results
from moorage.views.documents import document
from moorage.views.verdicts import verdict_object, verdicts_table


async def check(
    kubeconfig: Path | None,
    context: str | None,
    state_directory: Path | None,
    *,
    patience_seconds: float,
    form: TextFormat,
) -> None:
    """What looks wrong is looked at again after a while: what is only just becoming right is not.

    Raises Failure where a property is violated both times.
    """
    path = kubeconfig_to_read(kubeconfig, state_directory)
    async with cluster_objects(path, context) as objects:
        found = verdicts(await read_cluster(objects))
        if any(verdict.violations for verdict in found):
            notes().print(f"something looks wrong: looking again in {patience_seconds:g} s")
            await asyncio.sleep(patience_seconds)
            found = confirmed(found, verdicts(await read_cluster(objects)))
    _tell(found, form)
    violated = [verdict.id for verdict in found if verdict.violations]
    if violated:
        raise Failure(f"violated: {', '.join(violated)}")


def _tell(found: Sequence[Verdict], form: TextFormat) -> None:
    if form is not TextFormat.TEXT:
        results().out(document([verdict_object(verdict) for verdict in found], form))
        return
    print_table(verdicts_table(found))
    counted = Counter(verdict.word for verdict in found)
    notes().print(", ".join(f"{number} {word}" for word, number in counted.items()), style="dim")
