"""What ``--node-api`` chooses between."""

from collections.abc import Mapping

from adapters.kubernetes.node_dialect import MACHINE_DIALECT, NODE_CLAIM_DIALECT, NodeDialect
from moorage.controllers import NodeApi

DIALECTS: Mapping[NodeApi, NodeDialect] = {
    NodeApi.NODE_CLAIM: NODE_CLAIM_DIALECT,
    NodeApi.MACHINE: MACHINE_DIALECT,
}
