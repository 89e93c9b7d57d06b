"""What kubectl warns of: accepted, but it will bite later.

A ValidatingAdmissionPolicy whose binding only warns, so that no webhook of ours has to be up for
anybody to write a workspace. The messages follow ``engine.validation.warnings``.
"""

from typing import Any

from engine.instance_types import INSTANCE_TYPES
from engine.validation import DNS_1123_SUBDOMAIN, IMAGE_REFERENCE

Object = dict[str, Any]

POLICY_NAME = "workspace-warnings.moorage.sh"


def _validation(expression: str, message: str) -> Object:
    return {"expression": expression, "messageExpression": message, "message": "see the catalogue"}


def _literal(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace("'", "\\'")
    return f"'^{escaped}$'"


def _retired() -> list[Object]:
    return [
        _validation(
            "!has(object.resource.instanceType) || "
            f"object.resource.instanceType.lowerAscii() != '{item.name.lower()}'",
            f"'resource.instanceType: {item.name} was retired by Azure on "
            f"{item.retired.isoformat()}: a real subscription refuses it'",
        )
        for item in INSTANCE_TYPES.values()
        if item.retired is not None
    ]


def _well_formed(holder: str, field: str, pattern: str, noun: str) -> Object:
    """``holder`` must be there for ``field`` to be looked at; the path is told as KAITO has it."""
    value = f"object.{holder}.{field}"
    present = " && ".join(
        f"has(object.{'.'.join(holder.split('.')[: depth + 1])})"
        for depth in range(len(holder.split(".")))
    )
    return _validation(
        f"!({present} && has({value})) || {value} == '' || {value}.matches({_literal(pattern)})",
        f"'{holder}.{field}: \"' + {value} + '\" is not a valid {noun}'",
    )


def _adapter_images() -> Object:
    bad = (
        "object.inference.adapters.filter(a, has(a.source.image) && a.source.image != '' && "
        f"!a.source.image.matches({_literal(IMAGE_REFERENCE.pattern)}))"
    )
    return _validation(
        f"!has(object.inference) || !has(object.inference.adapters) || size({bad}) == 0",
        f"'inference.adapters: \"' + {bad}[0].source.image + '\" is not a valid image reference'",
    )


def warning_policy() -> Object:
    image, secret = IMAGE_REFERENCE.pattern, DNS_1123_SUBDOMAIN.pattern
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": POLICY_NAME},
        "spec": {
            "failurePolicy": "Ignore",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": ["kaito.sh"],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["workspaces"],
                    }
                ]
            },
            "validations": [
                *_retired(),
                _adapter_images(),
                _well_formed("tuning.output", "image", image, "image reference"),
                _well_formed("tuning.output", "imagePushSecret", secret, "Secret name"),
                _validation(
                    "!has(object.tuning)",
                    "'tuning: accepted and stored, but tuning is not served yet'",
                ),
            ],
        },
    }


def warning_binding() -> Object:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": POLICY_NAME},
        "spec": {"policyName": POLICY_NAME, "validationActions": ["Warn"]},
    }
