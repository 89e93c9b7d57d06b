"""Who provides the nodes that a workspace runs on."""

from enum import StrEnum


class Provisioner(StrEnum):
    """A setting of the engine; a plan keeps the one that it was made for.

    With ``NODE_POOL`` Karpenter makes the nodes, of one NodePool for each workspace. With ``NONE``
    a workspace runs on nodes that are there already, and on no others.
    """

    NODE_CLAIM = "nodeclaim"
    NODE_POOL = "nodepool"
    NONE = "none"
