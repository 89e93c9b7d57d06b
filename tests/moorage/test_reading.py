"""``get``, ``explain`` and ``plan`` against a real server."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from engine.nodes.agent_pool import PoolState
from engine.nodes.explanation import NodeClaimExplanation, explain_claim
from engine.nodes.phase import NodePhase
from engine.nodes.step import node_step
from engine.phase import Phase
from engine.reason import Reason
from tests.engine.nodes.scenes import claim, nothing, pool


def test_get_says_what_each_workspace_waits_for_and_until_when(cli, served, smollm2):
    served.wait_for(smollm2)
    header, row = cli("get").stdout.splitlines()
    assert header.split()[:3] == ["NAME", "PHASE", "SINCE"]
    assert row.startswith("smollm2   Provisioning")
    assert "1 node(s) of local-cpu" in row
    assert "in 19m5" in row


def test_get_shows_where_a_ready_workspace_answers(cli, served, smollm2):
    served.become_ready(smollm2)
    assert "http://127.64.1.2" in cli("get").stdout


def test_get_wide_adds_instance_type_and_reason(cli, served, smollm2):
    served.become_ready(smollm2)
    output = cli("get", "-o", "wide").stdout
    assert "local-cpu" in output
    assert "Serving" in output


def test_get_names_can_be_piped_to_kubectl(cli, smollm2):
    assert cli("get", "-o", "name").stdout == "workspace.kaito.sh/smollm2\n"


def test_get_json_of_a_list_is_a_list_and_of_one_is_an_object(cli, smollm2):
    (listed,) = json.loads(cli("get", "-o", "json").stdout)
    one = json.loads(cli("get", "smollm2", "-o", "json").stdout)
    assert listed == one
    assert one["status"]["phase"] == "Pending"


def test_what_get_prints_as_yaml_applies_unchanged(cli, served, smollm2):
    served.become_ready(smollm2)
    printed = cli("get", "smollm2", "-o", "yaml").stdout
    assert yaml.safe_load(printed)["inference"]["preset"]["name"] == "smollm2-135m-instruct"
    assert cli("apply", "-f", "-", stdin=printed).stdout == "workspace.kaito.sh/smollm2 unchanged\n"


def test_get_lists_all_namespaces_with_theirs(cli, smollm2):
    cli("apply", "-f", "examples/smollm2.yaml", "-n", "other")
    assert len(cli("get").stdout.splitlines()) == 2
    lines = cli("get", "-A").stdout.splitlines()
    assert lines[0].startswith("NAMESPACE")
    assert [line.split()[0] for line in lines[1:]] == ["default", "other"]


def test_get_selects_by_label(cli, smollm2):
    assert "smollm2" not in cli("get", "-l", "tier=gold").stdout


def test_get_without_workspaces_says_so_and_succeeds(cli):
    result = cli("get")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no workspaces found" in result.stderr


def test_an_unknown_name_exits_with_3(cli):
    for command in (["get", "nope"], ["explain", "nope"], ["plan", "nope"], ["delete", "nope"]):
        result = cli(*command)
        assert result.exit_code == 3, command
        assert "default/nope does not exist" in result.stderr


def test_a_name_and_a_selector_exclude_each_other(cli):
    assert cli("get", "smollm2", "-l", "a=b").exit_code == 2


def test_explain_answers_every_question_of_a_waiting_workspace(cli, served, smollm2):
    served.wait_for(smollm2)
    output = cli("explain", "smollm2").stdout
    lines = {line[2:14].strip(): line[14:].strip() for line in output.splitlines() if line[2:14]}
    assert lines["phase"] == "Provisioning"
    assert lines["since"].endswith("ago)")
    assert lines["waits for"] == "1 node(s) of local-cpu"
    assert "(in 19m5" in lines["until"]
    assert lines["why"] == "0 of 1 node claims ready [NodeClaimNotReady]"
    assert "kubectl get nodeclaims" in lines["what to do"]
    assert "Pending → Provisioning" in output


def test_explain_points_out_a_deadline_that_nothing_acted_on(cli, served, smollm2):
    served.enter(smollm2, Phase.LOADING, deadline=datetime.now(UTC) - timedelta(seconds=90))
    output = cli("explain", "smollm2").stdout
    assert "1m30s overdue" in output
    assert "the engine may be down" in output


def test_explain_of_a_failed_workspace_says_what_to_do(cli, served, smollm2):
    served.enter(
        smollm2,
        Phase.FAILED,
        reason=Reason.PROVISIONING_DEADLINE,
        message="no node in 20 minutes",
        remedy="`moorage retry` tries again",
    )
    output = cli("explain", "smollm2").stdout
    assert "no node in 20 minutes [ProvisioningDeadlineExceeded]" in output
    assert "`moorage retry` tries again" in output


def test_explain_tells_of_each_node_claim_and_its_agent_pool(cli, served, smollm2):
    served.wait_for(smollm2)
    launching = node_step(claim(NodePhase.LAUNCHING), nothing(pool=pool(PoolState.CREATING))).next
    served.node_claims.claims[served.stored(smollm2).ref] = [explain_claim(launching)]
    lines = cli("explain", "smollm2").stdout.splitlines()
    block = lines[lines.index("node claim ws0a1b2c3d4") :]
    told = {line[2:14].strip(): line[14:].strip() for line in block if line[2:14].strip()}
    assert told["phase"] == "Launching"
    assert told["waits for"] == "AKS to make the agent pool"
    assert told["instance"] == "Standard_NC48ads_A100_v4 on-demand"
    assert told["agent pool"] == "ws0a1b2c3d4 of 1 Standard_NC48ads_A100_v4: Creating"
    assert (told["labels"], told["taints"]) == ("apps=phi-4", "sku=gpu:NoSchedule")
    assert told["what to do"] == "nothing to do: it carries on by itself"
    assert "node" not in told


def test_explain_tells_of_a_claim_that_another_provisioner_drives_what_its_conditions_do(
    cli, served, smollm2
):
    served.wait_for(smollm2)
    theirs = NodeClaimExplanation(
        name="default-abcde",
        ready=False,
        reason="LaunchFailed",
        message="no capacity",
        instance_type="Standard_NC24ads_A100_v4",
        capacity_type=None,
        node="",
    )
    served.node_claims.claims[served.stored(smollm2).ref] = [theirs]
    lines = [line.rstrip() for line in cli("explain", "smollm2").stdout.splitlines()]
    begin = lines.index("node claim default-abcde")
    assert lines[begin + 1 : begin + 4] == [
        "  ready       no",
        "  instance    Standard_NC24ads_A100_v4",
        "  why         no capacity [LaunchFailed]",
    ]
    (claim,) = json.loads(cli("explain", "smollm2", "-o", "json").stdout)["nodeClaims"]
    assert (claim["phase"], claim["capacityType"]) == ("", "CAPACITY_TYPE_UNSPECIFIED")
    assert "agentPool" not in claim


def test_explain_as_json_has_the_fields_of_the_api(cli, served, smollm2):
    served.wait_for(smollm2)
    explanation = json.loads(cli("explain", "smollm2", "-o", "json").stdout)
    assert explanation["phase"] == "Provisioning"
    assert explanation["waitingFor"] == "1 node(s) of local-cpu"
    assert explanation["overdue"] is False


def test_plan_says_what_would_be_created_and_stores_nothing(cli):
    result = cli("plan", "-f", "examples/inference.yaml")
    assert result.exit_code == 0
    assert "1 x Standard_NC6s_v3" in result.stdout
    assert "StatefulSet workspace-phi-3-mini with 1 pod(s)" in result.stdout
    assert "was retired by Azure" in result.stderr
    assert cli("get").stdout == ""


def test_plan_of_what_would_fail_says_why_and_exits_with_1(cli):
    result = cli("plan", "-f", "examples/tuning.yaml")
    assert result.exit_code == 1
    assert "nothing would be created" in result.stdout
    assert "TuningNotServed" in result.stdout


def test_plan_of_a_stored_workspace(cli, smollm2):
    result = cli("plan", "smollm2", "-o", "json")
    assert json.loads(result.stdout)["plan"]["instanceType"] == "local-cpu"


@pytest.mark.parametrize("arguments", [[], ["smollm2", "-f", "examples/smollm2.yaml"]])
def test_plan_takes_either_a_name_or_a_file(cli, arguments):
    assert cli("plan", *arguments).exit_code == 2
