"""The options that commands share. Imports next to nothing: ``moorage --help`` must be quick."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from engine.provisioning import Provisioner
from moorage.controllers import NodeApi

ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        envvar="MOORAGE_SERVER",
        metavar="HOST:PORT",
        help="The gRPC server; else the one that runs on the state directory.",
    ),
]
StateDirectoryOption = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        envvar="MOORAGE_STATE_DIR",
        metavar="DIR",
        help="Where `moorage up` keeps its state.",
        show_default="the user's state folder",
    ),
]
NamespaceOption = Annotated[
    str, typer.Option("--namespace", "-n", metavar="NAME", help="Kubernetes namespace.")
]
AllNamespacesOption = Annotated[
    bool, typer.Option("--all-namespaces", "-A", help="Workspaces of all namespaces.")
]
SelectorOption = Annotated[
    str,
    typer.Option(
        "--selector", "-l", metavar="LABELS", help="Kubernetes label selector, such as app=chat."
    ),
]


class ListFormat(StrEnum):
    """How a list of workspaces is printed."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class TextFormat(StrEnum):
    """How everything else is printed."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


ApiKeyOption = Annotated[
    str | None,
    typer.Option(envvar="MOORAGE_API_KEY", metavar="KEY", help="Where the workspace wants one."),
]
ListFormatOption = Annotated[ListFormat, typer.Option("--output", "-o", help="Output format.")]
TextFormatOption = Annotated[TextFormat, typer.Option("--output", "-o", help="Output format.")]
NodeApiOption = Annotated[
    NodeApi, typer.Option(help="How nodes are asked for; machine is Karpenter's older API.")
]
ProvisionerOption = Annotated[
    Provisioner,
    typer.Option(
        help="Who provides nodes: Moorage by node claims, Karpenter by node pools, or nobody."
    ),
]
