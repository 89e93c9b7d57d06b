"""Asks the cluster's ValidatingAdmissionPolicies about each write."""

from simulator.kubernetes import admission
from simulator.kubernetes.admission import AdmissionRequest, Operation
from simulator.kubernetes.database import Key
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.status import Object
from simulator.kubernetes.store import Store
from simulator.kubernetes.write_options import WriteOptions

_GROUP = "admissionregistration.k8s.io"
_POLICIES = f"validatingadmissionpolicies.{_GROUP}"
_BINDINGS = f"validatingadmissionpolicybindings.{_GROUP}"


class Policies:
    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(
        self,
        operation: Operation,
        resource: Resource,
        key: Key,
        *,
        obj: Object | None,
        old: Object | None,
        options: WriteOptions,
        subresource: str = "",
    ) -> None:
        """Raises ApiError where a policy denies the write; warnings go to ``options``.

        Policies do not rule over policies, so that a broken one can be mended.
        """
        bindings = self._objects(_BINDINGS)
        if not bindings or resource.group == _GROUP:
            return
        request = AdmissionRequest(
            operation=operation,
            group=resource.group,
            version=resource.version,
            resource=resource.plural,
            kind=resource.kind,
            name=key.name,
            namespace=key.namespace,
            subresource=subresource,
            object=obj,
            old_object=old,
            namespace_object=self._namespace(key.namespace),
            dry_run=options.dry_run,
        )
        verdict = admission.evaluate(self._objects(_POLICIES), bindings, request)
        options.warnings.extend(verdict.warnings)
        refusal = verdict.refusal(request)
        if refusal is not None:
            raise refusal

    def _objects(self, collection: str) -> list[Object]:
        return list(self._store.objects(collection))

    def _namespace(self, name: str) -> Object | None:
        stored = self._store.get(Key("namespaces", "", name)) if name else None
        return None if stored is None else stored.object
