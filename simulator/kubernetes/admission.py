"""ValidatingAdmissionPolicy: rules in CEL that may deny a request, or warn about it.

Behaviour follows "Validating Admission Policy" in the Kubernetes docs. Not imitated: parameters
(``paramKind``), ``authorizer``, and audit annotations, for there is no audit log.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from simulator.kubernetes.admission_match import AdmissionRequest, Operation, matches
from simulator.kubernetes.cel_programs import CelError, bind, compiled, mentions
from simulator.kubernetes.status import ApiError, Cause, Object

__all__ = ["AdmissionRequest", "Operation", "Verdict", "evaluate"]

_CODES = {
    "Unauthorized": 401,
    "Forbidden": 403,
    "RequestEntityTooLarge": 413,
    "Invalid": 422,
}


class _Action(StrEnum):
    DENY = "Deny"
    WARN = "Warn"
    AUDIT = "Audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the policies say. A denial's ``reason`` is a metav1.StatusReason."""

    denials: list[Cause] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def refusal(self, request: AdmissionRequest) -> ApiError | None:
        """What to answer in place of the object, where the request is denied.

        The first denial decides code and reason; all are told. "is forbidden" stands there
        whatever the reason, as in Kubernetes.
        """
        if not self.denials:
            return None
        resource = f"{request.resource}.{request.group}".removesuffix(".")
        told = "; ".join(denial.message for denial in self.denials)
        reason = self.denials[0].reason
        return ApiError(
            _CODES.get(reason, _CODES["Invalid"]),
            reason,
            f'{resource} "{request.name}" is forbidden: {told}',
            causes=self.denials,
            details={"name": request.name, "group": request.group, "kind": request.resource},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Violation:
    message: str
    reason: str


def evaluate(
    policies: Sequence[Object], bindings: Sequence[Object], request: AdmissionRequest
) -> Verdict:
    """Judges a request by every policy that a binding puts into force for it."""
    denials: list[Cause] = []
    warnings: list[str] = []
    by_name = {policy["metadata"]["name"]: policy for policy in policies}
    found: dict[str, list[_Violation]] = {}
    for binding in bindings:
        policy = by_name.get(binding.get("spec", {}).get("policyName", ""))
        if policy is None or not _in_force(policy, binding, request):
            continue
        name = policy["metadata"]["name"]
        if name not in found:
            found[name] = list(_violations(policy["spec"], request))
        actions = set(binding["spec"].get("validationActions", [_Action.DENY]))
        told = f"ValidatingAdmissionPolicy '{name}' with binding '{binding['metadata']['name']}'"
        for violation in found[name]:
            if _Action.DENY in actions:
                text = f"{told} denied request: {violation.message}"
                denials.append(Cause(reason=violation.reason, message=text))
            if _Action.WARN in actions:
                warnings.append(f"Validation failed for {told}: {violation.message}")
    return Verdict(denials=denials, warnings=warnings)


def _in_force(policy: Object, binding: Object, request: AdmissionRequest) -> bool:
    constraints = policy["spec"].get("matchConstraints", {})
    narrower = binding["spec"].get("matchResources")
    if not constraints.get("resourceRules") or not matches(constraints, request):
        return False
    return narrower is None or matches(narrower, request)


def _violations(spec: Object, request: AdmissionRequest) -> Iterator[_Violation]:
    """The validations that fail, and what could not be evaluated, unless failures are ignored."""
    ignores_failures = spec.get("failurePolicy", "Fail") == "Ignore"
    scope = _Scope(spec, request)
    try:
        if not all(_holds(condition, scope) for condition in spec.get("matchConditions", [])):
            return
    except CelError as failure:
        if not ignores_failures:
            yield _Violation(message=f"match condition failed: {failure}", reason="Invalid")
        return
    for validation in spec.get("validations", []):
        try:
            if not _holds(validation, scope):
                yield _Violation(
                    message=_message(validation, scope),
                    reason=validation.get("reason", "Invalid"),
                )
        except CelError as failure:
            if not ignores_failures:
                text = f"expression '{validation['expression']}' resulted in error: {failure}"
                yield _Violation(message=text, reason="Invalid")


class _Scope:
    """The variables of one request; those of the policy are evaluated once, when first needed.

    A variable may name earlier ones. One that fails takes down only the expressions that name it.
    """

    def __init__(self, spec: Object, request: AdmissionRequest) -> None:
        self._request = request.as_variables()
        self._names = (*self._request, "variables")
        self._definitions = [
            (variable["name"], variable["expression"]) for variable in spec.get("variables", [])
        ]
        self._values: Object = {}

    def evaluate(self, expression: str, returns: str) -> Any:
        """Raises ``CelError``."""
        return self._evaluate(expression, returns, visible=len(self._definitions))

    def _evaluate(self, expression: str, returns: str, *, visible: int) -> Any:
        variables = {
            name: self._value(index)
            for index, (name, _) in enumerate(self._definitions[:visible])
            if mentions(expression, f"variables.{name}")
        }
        bound = bind({**self._request, "variables": variables})
        return compiled(expression, self._names, returns).evaluate(bound)

    def _value(self, index: int) -> Any:
        name, definition = self._definitions[index]
        if name not in self._values:
            self._values[name] = self._evaluate(definition, "dyn", visible=index)
        return self._values[name]


def _holds(rule: Object, scope: _Scope) -> bool:
    return bool(scope.evaluate(rule["expression"], "bool"))


def _message(validation: Object, scope: _Scope) -> str:
    if validation.get("messageExpression"):
        try:
            message: str = scope.evaluate(validation["messageExpression"], "string").strip()
        except CelError:
            message = ""
        if message and "\n" not in message:
            return message
    stated: str = validation.get("message", "").strip()
    return stated or f"failed expression: {validation['expression'].strip()}"
