"""Who am I, may I: the cluster trusts whoever reaches it, and says so when asked."""

from simulator.kubernetes.status import Object

_USER = {"username": "system:admin", "groups": ["system:masters", "system:authenticated"]}
_RULES = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


def reviewed(kind: str, review: Object) -> Object | None:
    """The review with its status; None for a kind that is no review."""
    status = _status(kind, review.get("spec") or {})
    return None if status is None else {**review, "status": status}


def _status(kind: str, spec: Object) -> Object | None:
    match kind:
        case "SelfSubjectAccessReview" | "SubjectAccessReview":
            return {"allowed": True, "reason": "this cluster has no access control"}
        case "SelfSubjectRulesReview":
            paths = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
            return {"resourceRules": [_RULES], "nonResourceRules": paths, "incomplete": False}
        case "SelfSubjectReview":
            return {"userInfo": dict(_USER)}
        case "TokenReview":
            return {"authenticated": bool(spec.get("token")), "user": dict(_USER)}
        case _:
            return None
