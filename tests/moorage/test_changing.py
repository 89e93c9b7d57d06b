"""``apply``, ``delete`` and ``retry`` against a real server."""

from dataclasses import replace

import pytest

from engine.phase import Phase
from engine.workspace import WorkspaceRef
from moorage.examples import example
from tests.moorage.conftest import EXAMPLES

SMOLLM2 = example("smollm2.yaml")

INVALID = """
apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata: {name: Bad_Name}
resource: {instanceType: none-such}
inference:
  preset: {name: gpt-9}
  adapters: [{source: {name: a, image: registry/a}, strength: strong}]
tuning: {}
"""


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_applies(cli, name):
    result = cli("apply", "-f", f"examples/{name}.yaml")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.endswith(" created\n")


def test_apply_tells_created_unchanged_and_configured(cli, served, smollm2):
    assert cli("apply", "-f", "examples/smollm2.yaml").stdout.endswith("smollm2 unchanged\n")
    labelled = SMOLLM2.replace("name: smollm2\n", "name: smollm2\n  labels: {a: b}\n", 1)
    result = cli("apply", "-f", "-", stdin=labelled)
    assert result.stdout == "workspace.kaito.sh/smollm2 configured\n"
    assert served.stored("smollm2").labels == {"a": "b"}


def test_apply_keeps_labels_that_others_have_set(cli, served, smollm2):
    stored = served.stored(smollm2)
    served.do(served.store.update(replace(stored, labels={"theirs": "1"})))
    labelled = SMOLLM2.replace("name: smollm2\n", "name: smollm2\n  labels: {a: b}\n", 1)
    cli("apply", "-f", "-", stdin=labelled)
    assert served.stored(smollm2).labels == {"theirs": "1", "a": "b"}


def test_a_dry_run_stores_nothing(cli):
    result = cli("apply", "-f", "examples/smollm2.yaml", "--dry-run")
    assert result.stdout == "workspace.kaito.sh/smollm2 created (dry run)\n"
    assert cli("get").stdout == ""


def test_warnings_are_told_apart_from_results(cli):
    result = cli("apply", "-f", "examples/tuning.yaml")
    assert "Warning" not in result.stdout
    assert "Warning: tuning: accepted and stored, but tuning is not served yet" in result.stderr


def test_everything_wrong_is_told_at_once_in_the_spelling_of_the_manifest(cli):
    result = cli("apply", "-f", "-", stdin=INVALID)
    assert result.exit_code == 2
    told = {line.split(":")[0].strip() for line in result.stderr.splitlines()[1:]}
    assert {
        "metadata.name",
        "resource.instanceType",
        "inference.preset.name",
        "inference.adapters[0].strength",
        "tuning",
    } <= told
    assert cli("get").stdout == ""


def test_one_wrong_workspace_does_not_keep_the_others_from_being_applied(cli, served):
    result = cli("apply", "-f", "-", stdin=f"{INVALID}\n---\n{SMOLLM2}")
    assert result.exit_code == 2
    assert result.stdout == "workspace.kaito.sh/smollm2 created\n"
    assert served.stored("smollm2").ref.name == "smollm2"


def test_several_files_are_applied_in_order(cli):
    result = cli("apply", "-f", "examples/inference.yaml", "-f", "examples/smollm2.yaml")
    assert result.stdout.split() == [
        *("workspace.kaito.sh/workspace-phi-3-mini", "created"),
        *("workspace.kaito.sh/smollm2", "created"),
    ]


def test_what_cannot_be_changed_is_refused(cli, smollm2):
    other = SMOLLM2.replace("local-cpu", "Standard_NC24ads_A100_v4")
    result = cli("apply", "-f", "-", stdin=other)
    assert result.exit_code == 2
    assert "resource.instanceType: cannot be changed" in result.stderr


def test_a_file_that_is_not_there_exits_with_2(cli):
    result = cli("apply", "-f", "none-such.yaml")
    assert result.exit_code == 2
    assert "cannot read none-such.yaml" in result.stderr


def test_delete_returns_when_nothing_is_left(cli, served, smollm2):
    result = cli("delete", "smollm2")
    assert (result.exit_code, result.stdout) == (0, "workspace.kaito.sh/smollm2 deleted\n")
    assert cli("get").stdout == ""


def test_delete_that_is_not_over_in_time_fails_and_says_where_to_look(cli, served, smollm2):
    served.do(served.store.hold_finalizer(WorkspaceRef(namespace="default", name=smollm2)))
    result = cli("delete", "smollm2", "--timeout", "0.2")
    assert result.exit_code == 1
    assert "still being deleted" in result.stderr
    assert "moorage explain smollm2" in result.stderr


def test_delete_need_not_wait(cli, served, smollm2):
    served.do(served.store.hold_finalizer(WorkspaceRef(namespace="default", name=smollm2)))
    result = cli("delete", "smollm2", "--no-wait")
    assert result.stdout == "workspace.kaito.sh/smollm2 is being deleted\n"


def test_retry_returns_when_the_next_attempt_has_begun(cli, served, smollm2):
    served.enter(smollm2, Phase.FAILED)
    meanwhile = served.meanwhile(lambda: served.enter(smollm2, Phase.PLANNING, attempt=2))
    result = cli("retry", "smollm2")
    meanwhile.join()
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "workspace.kaito.sh/smollm2: attempt 2 has begun\n"


def test_retry_of_what_has_not_failed_is_refused(cli, served, smollm2):
    served.become_ready(smollm2)
    result = cli("retry", "smollm2")
    assert result.exit_code == 1
    assert "cannot retry while it is Ready" in result.stderr
