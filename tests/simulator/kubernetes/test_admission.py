import pytest

from simulator.kubernetes.admission import AdmissionRequest, Operation, Verdict, evaluate
from simulator.kubernetes.status import Cause


def policy(*validations, **spec):
    rule = {
        "apiGroups": ["kaito.sh"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["workspaces"],
    }
    spec.setdefault("matchConstraints", {"resourceRules": [rule]})
    return {"metadata": {"name": "sku"}, "spec": {"validations": list(validations), **spec}}


def binding(*actions, **spec):
    spec = {"policyName": "sku", "validationActions": list(actions or ["Deny"]), **spec}
    return {"metadata": {"name": "everywhere"}, "spec": spec}


def request(instance_type="Standard_NC6s_v3", **changes):
    fields = {
        "operation": Operation.CREATE,
        "group": "kaito.sh",
        "version": "v1alpha1",
        "resource": "workspaces",
        "kind": "Workspace",
        "name": "phi",
        "namespace": "default",
        "object": {
            "metadata": {"name": "phi", "labels": {"tier": "gold"}},
            "resource": {"instanceType": instance_type},
        },
        "namespace_object": {"metadata": {"name": "default", "labels": {"team": "ml"}}},
    }
    return AdmissionRequest(**{**fields, **changes})


def judge(one_policy, one_binding=None, one_request=None):
    return evaluate([one_policy], [one_binding or binding()], one_request or request())


RETIRED = {
    "expression": "object.resource.instanceType != 'Standard_NC6s_v3'",
    "message": "Standard_NC6s_v3 is retired",
}


def test_a_failed_expression_denies_with_the_names_of_policy_and_binding():
    verdict = judge(policy(RETIRED))
    told = (
        "ValidatingAdmissionPolicy 'sku' with binding 'everywhere' denied request: "
        "Standard_NC6s_v3 is retired"
    )
    assert verdict.denials == [Cause(reason="Invalid", message=told)]
    refusal = verdict.refusal(request())
    assert (refusal.code, refusal.reason) == (422, "Invalid")
    assert refusal.message == f'workspaces.kaito.sh "phi" is forbidden: {told}'


def test_a_warning_lets_the_request_pass():
    verdict = judge(policy(RETIRED), binding("Warn"))
    assert verdict.refusal(request()) is None
    assert verdict.warnings == [
        (
            "Validation failed for ValidatingAdmissionPolicy 'sku' with binding 'everywhere': "
            "Standard_NC6s_v3 is retired"
        )
    ]


def test_audit_is_silent():
    assert judge(policy(RETIRED), binding("Audit")) == Verdict()


def test_what_holds_says_nothing():
    assert judge(policy(RETIRED), None, request("local-cpu")) == Verdict()


def test_an_unbound_policy_is_not_in_force():
    assert evaluate([policy(RETIRED)], [], request()) == Verdict()


def test_a_binding_without_its_policy_is_ignored():
    assert evaluate([], [binding()], request()) == Verdict()


@pytest.mark.parametrize(
    ("reason", "code"), [("Forbidden", 403), ("Unauthorized", 401), ("Invalid", 422)]
)
def test_the_reason_of_a_validation_decides_the_code(reason, code):
    refusal = judge(policy({**RETIRED, "reason": reason})).refusal(request())
    assert (refusal.code, refusal.reason) == (code, reason)


@pytest.mark.parametrize(
    ("change", "matched"),
    [
        ({}, True),
        ({"operation": Operation.DELETE}, False),
        ({"group": "apps"}, False),
        ({"resource": "nodeclaims"}, False),
        ({"subresource": "status"}, False),
    ],
)
def test_only_requests_that_match_the_rules_are_judged(change, matched):
    assert bool(judge(policy(RETIRED), None, request(**change)).denials) is matched


@pytest.mark.parametrize(
    ("resources", "subresource", "matched"),
    [
        (["workspaces/status"], "status", True),
        (["workspaces/*"], "status", True),
        (["*/*"], "", True),
        (["*"], "", True),
        (["workspaces/status"], "", False),
        (["*"], "status", False),
    ],
)
def test_resources_and_subresources_match_by_pattern(resources, subresource, matched):
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": resources}
    constrained = policy(RETIRED, matchConstraints={"resourceRules": [rule]})
    verdict = judge(constrained, None, request(subresource=subresource))
    assert bool(verdict.denials) is matched


@pytest.mark.parametrize(
    ("resources", "matched"),
    [
        ({"namespaceSelector": {"matchLabels": {"team": "ml"}}}, True),
        ({"namespaceSelector": {"matchLabels": {"team": "web"}}}, False),
        ({"objectSelector": {"matchLabels": {"tier": "gold"}}}, True),
        (
            {
                "objectSelector": {
                    "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["gold"]}]
                }
            },
            False,
        ),
        (
            {
                "excludeResourceRules": [
                    {
                        "apiGroups": ["*"],
                        "apiVersions": ["*"],
                        "operations": ["*"],
                        "resources": ["*"],
                    }
                ]
            },
            False,
        ),
    ],
)
def test_a_binding_narrows_what_is_judged(resources, matched):
    verdict = judge(policy(RETIRED), binding(matchResources=resources))
    assert bool(verdict.denials) is matched


def test_match_conditions_leave_out_what_does_not_meet_them():
    conditioned = policy(
        RETIRED,
        matchConditions=[{"name": "named", "expression": "request.name.startsWith('llama')"}],
    )
    assert judge(conditioned) == Verdict()
    assert judge(conditioned, None, request(name="llama-3")).denials


def test_variables_build_on_earlier_ones_and_messages_on_both():
    composed = policy(
        {
            "expression": "!variables.retired",
            "messageExpression": "'%s is retired'.format([variables.type])",
        },
        variables=[
            {"name": "type", "expression": "object.resource.instanceType"},
            {"name": "retired", "expression": "variables.type.endsWith('s_v3')"},
            {"name": "typo", "expression": "object.nothing.here"},
        ],
    )
    (denial,) = judge(composed).denials
    assert denial.message.endswith("denied request: Standard_NC6s_v3 is retired")


def test_updates_see_the_old_object_and_the_namespace():
    immutable = policy(
        {
            "expression": "request.operation == 'CREATE'"
            " || object.resource == oldObject.resource"
            " || namespaceObject.metadata.name == 'sandbox'"
        }
    )
    old = request("Standard_A").object
    changed = request(operation=Operation.UPDATE, old_object=old)
    assert judge(immutable) == Verdict()
    (denial,) = judge(immutable, None, changed).denials
    assert "failed expression: request.operation == 'CREATE'" in denial.message


@pytest.mark.parametrize("field", ["validations", "matchConditions"])
@pytest.mark.parametrize(("failure_policy", "denied"), [("Fail", True), ("Ignore", False)])
def test_the_failure_policy_decides_about_expressions_that_fail(field, failure_policy, denied):
    broken = policy(RETIRED, failurePolicy=failure_policy)
    broken["spec"][field] = [{"name": "x", "expression": "object.nothing == 1"}]
    verdict = judge(broken, None, request())
    assert bool(verdict.denials) is denied


def test_all_denials_are_told_at_once():
    other = {"expression": "has(object.inference)", "message": "say what to serve"}
    refusal = judge(policy(RETIRED, other)).refusal(request())
    assert "Standard_NC6s_v3 is retired; " in refusal.message
    assert refusal.message.endswith("say what to serve")
    assert len(refusal.causes) == 2
