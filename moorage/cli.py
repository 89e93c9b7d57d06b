"""The command line: every command with its options; what they do is in ``moorage.commands``.

A command imports what it needs when it is called, so that ``--help`` and completion are quick.
"""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from engine.provisioning import Provisioner
from moorage.controllers import NodeApi, controllers_named
from moorage.failure import ExitCode, Failure
from moorage.options import (
    AllNamespacesOption,
    ApiKeyOption,
    ListFormat,
    ListFormatOption,
    NamespaceOption,
    NodeApiOption,
    ProvisionerOption,
    SelectorOption,
    ServerOption,
    StateDirectoryOption,
    TextFormat,
    TextFormatOption,
)
from triton_models.chat_lm.generation.manifest import Precision

MAX_INPUT_BYTES = 1 << 20

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The workspace's name.")]
OptionalNameArgument = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="The workspace's name.")
]
FileOption = Annotated[
    str | None,
    typer.Option("--filename", "-f", metavar="FILE", help="A YAML file; - is standard input."),
]


class Commands(typer.core.TyperGroup):
    """Ends a command that failed with its words on standard error and its exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Failure as failure:
            _tell(failure)
            raise typer.Exit(failure.exit_code) from failure
        except KeyboardInterrupt as interrupt:
            raise typer.Exit(130) from interrupt  # 128 + SIGINT, as shells have it


app = typer.Typer(
    cls=Commands,
    help="Model workspaces on Kubernetes: say what is to be served, see how it gets there.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


models = typer.Typer(help="Make what Triton serves.", no_args_is_help=True)
app.add_typer(models, name="models")


def main() -> None:
    app()


def _tell(failure: Failure) -> None:
    from moorage.terminal import notes

    console = notes()
    console.print("error:", style="bold red", end=" ")
    console.print(failure.message, markup=False)
    for detail in failure.details:
        console.print(f"  {detail}", markup=False)


def _run(command: Coroutine[Any, Any, None]) -> None:
    asyncio.run(command)


def _address(server: str | None, state_dir: Path | None) -> str:
    from moorage.server_address import server_address

    return server_address(server, state_dir)


def _text(filename: str) -> str:
    if filename == "-":
        return sys.stdin.read(MAX_INPUT_BYTES + 1)
    try:
        with Path(filename).open(encoding="utf-8") as file:
            return file.read(MAX_INPUT_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read {filename}: {error}", exit_code=ExitCode.INVALID) from error


@app.command()
def up(
    *,
    headless: Annotated[
        bool, typer.Option("--headless", help="No live table: print the endpoints, then `ready`.")
    ] = False,
    state_dir: StateDirectoryOption = None,
    kubernetes_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the Kubernetes API; 0 takes a free one.")
    ] = 0,
    grpc_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the gRPC API; 0 takes a free one.")
    ] = 0,
    listen: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where both APIs listen.")
    ] = "127.0.0.1",
    delays: Annotated[
        float,
        typer.Option(min=0, max=1000, help="Factor on what simulated machines and images take."),
    ] = 1.0,
    quota: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAMILY=VCPUS",
            help="Simulated Azure's, for a family of instance types or `spot`; may be repeated.",
        ),
    ] = None,
    node_api: NodeApiOption = NodeApi.NODE_CLAIM,
    provisioner: ProvisionerOption = Provisioner.NODE_CLAIM,
) -> None:
    """Run Moorage on a simulated cluster, until Ctrl-C."""
    from moorage.commands import up as command

    options = command.StackOptions(
        listen=listen,
        kubernetes=kubernetes_port,
        grpc=grpc_port,
        delays=delays,
        node_api=node_api,
        provisioner=provisioner,
        quota=command.quota(quota or []),
    )
    command.up(state_dir, options, headless=headless)


@app.command()
def demo(
    *,
    state_dir: StateDirectoryOption = None,
    keep_running: Annotated[
        bool, typer.Option("--keep-running", help="Leave the model serving until Ctrl-C.")
    ] = False,
    question: Annotated[
        str, typer.Option(metavar="TEXT", help="What to ask the model.")
    ] = "What is the capital of France?",
) -> None:
    """Serve a real small model, ask it, and tidy up."""
    from moorage.commands.demo import demo as run

    run(state_dir, question=question, keep_running=keep_running)


@app.command()
def apply(
    filename: Annotated[
        list[str],
        typer.Option("--filename", "-f", metavar="FILE", help="YAML; - is standard input."),
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything on the server, store nothing.")
    ] = False,
    namespace: NamespaceOption = "default",
    server: ServerOption = None,
    state_dir: StateDirectoryOption = None,
) -> None:
    """Create or change the workspaces of YAML files."""
    from moorage.commands.changing import apply as run

    address = _address(server, state_dir)
    texts = [_text(each) for each in filename]
    _run(run(address, texts, namespace=namespace, dry_run=dry_run))


@app.command()
def get(
    name: OptionalNameArgument = None,
    *,
    namespace: NamespaceOption = "default",
    all_namespaces: AllNamespacesOption = False,
    selector: SelectorOption = "",
    output: ListFormatOption = ListFormat.TABLE,
    server: ServerOption = None,
    state_dir: StateDirectoryOption = None,
) -> None:
    """List workspaces, or show one."""
    from moorage.commands.reading import Selection
    from moorage.commands.reading import get as run

    place = "-" if all_namespaces else namespace
    _only_one(name, all_namespaces=all_namespaces, selector=selector)
    selection = Selection(namespace=place, name=name, labels=selector)
    _run(run(_address(server, state_dir), selection, output))


@app.command()
def watch(
    name: OptionalNameArgument = None,
    *,
    until: Annotated[
        str | None,
        typer.Option(metavar="PHASE", help="End when all are there, such as Ready."),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.0, metavar="SECONDS", help="Give up after so long.")
    ] = None,
    namespace: NamespaceOption = "default",
    all_namespaces: AllNamespacesOption = False,
    selector: SelectorOption = "",
    server: ServerOption = None,
    state_dir: StateDirectoryOption = None,
) -> None:
    """Follow workspaces as they change."""
    from moorage.commands.watching import phase_named
    from moorage.commands.watching import watch as run
    from moorage.following import Subject

    _only_one(name, all_namespaces=all_namespaces, selector=selector)
    place = "-" if all_namespaces else namespace
    subject = Subject(namespace=place, name=name or "", labels=selector)
    goal = phase_named(until) if until else None
    _run(run(_address(server, state_dir), subject, until=goal, timeout_seconds=timeout))


@app.command()
def explain(
    name: NameArgument,
    *,
    namespace: NamespaceOption = "default",
    output: TextFormatOption = TextFormat.TEXT,
    server: ServerOption = None,
    state_dir: StateDirectoryOption = None,
) -> None:
    """Say where a workspace stands, and why.

    Since when, what it waits for, until when, what to do, and how it came there."""
    from engine.workspace import WorkspaceRef
    from moorage.commands.reading import explain as run

    ref = WorkspaceRef(namespace=namespace, name=name)
    _run(run(_address(server, state_dir), ref, output))


@app.command()
def plan(
    name: OptionalNameArgument = None,
    *,
    filename: FileOption = None,
    namespace: NamespaceOption = "default",
    output: TextFormatOption = TextFormat.TEXT,
    server: ServerOption = None,
    state_dir: StateDirectoryOption = None,
) -> None:
    """Say what would be created, and why."""
    from engine.workspace import WorkspaceRef
    from moorage.commands.reading import plan_existing, plan_file

    if (name is None) == (filename is None):
        raise Failure("give either a NAME or -f FILE", exit_code=ExitCode.INVALID)
    address = _address(server, state_dir)
    if filename is not None:
        _run(plan_file(address, _text(filename), namespace, output))
    else:
        _run(plan_existing(address, WorkspaceRef(namespace=namespace, name=name or ""), output))


@app.command()
def delete(
    name: NameArgument,
    *,
    wait: Annotated[bool, typer.Option(help="Return only when nothing of it is left.")] = True,
    timeout: Annotated[
        float, typer.Option(min=0.0, metavar="SECONDS", help="How long to wait.")
    ] = 1800.0,
    namespace: NamespaceOption = "default",
    server: ServerOption = None,
    state_dir: StateDirectoryOption = None,
) -> None:
    """Delete a workspace and everything it owns."""
    from engine.workspace import WorkspaceRef
    from moorage.commands.changing import delete as run

    ref = WorkspaceRef(namespace=namespace, name=name)
    _run(run(_address(server, state_dir), ref, wait_seconds=timeout if wait else None))


@app.command()
def retry(
    name: NameArgument,
    *,
    namespace: NamespaceOption = "default",
    server: ServerOption = None,
    state_dir: StateDirectoryOption = None,
) -> None:
    """Begin another attempt for a workspace that failed."""
    from engine.workspace import WorkspaceRef
    from moorage.commands.changing import retry as run

    _run(run(_address(server, state_dir), WorkspaceRef(namespace=namespace, name=name)))


@app.command()
def chat(
    name: NameArgument,
    text: Annotated[
        str | None, typer.Argument(help="What to say; without it, a conversation.")
    ] = None,
    *,
    namespace: NamespaceOption = "default",
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="The longest answer, in tokens.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, max=2.0, help="0 always takes the likeliest word.")
    ] = None,
    adapter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=STRENGTH", help="Answer with this adapter; repeatable."),
    ] = None,
    api_key: ApiKeyOption = None,
    server: ServerOption = None,
    state_dir: StateDirectoryOption = None,
) -> None:
    """Talk to a workspace's model."""
    from engine.workspace import WorkspaceRef
    from moorage.commands.chat import chat as run
    from moorage.gateway import Sampling, adapter_strengths

    ref = WorkspaceRef(namespace=namespace, name=name)
    sampling = Sampling(
        max_tokens=max_tokens, temperature=temperature, adapters=adapter_strengths(adapter or [])
    )
    run(_address(server, state_dir), ref, text, sampling, key=api_key)


@app.command()
def bench(
    name: NameArgument,
    *,
    namespace: NamespaceOption = "default",
    streams: Annotated[
        str, typer.Option(metavar="N,N,…", help="How many clients ask at once, in turn.")
    ] = "1,4,16",
    each: Annotated[int, typer.Option(min=1, help="Answers that each client asks for.")] = 3,
    max_tokens: Annotated[int, typer.Option(min=2, help="The longest answer, in tokens.")] = 64,
    long_prompts: Annotated[
        bool, typer.Option("--long-prompts", help="Prompts of some 400 tokens instead of 40.")
    ] = False,
    adapter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=STRENGTH", help="Answer with this adapter; repeatable."),
    ] = None,
    api_key: ApiKeyOption = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw it, as SVG.")] = None,
    output: TextFormatOption = TextFormat.TEXT,
    server: ServerOption = None,
    state_dir: StateDirectoryOption = None,
) -> None:
    """Measure how fast a workspace's model answers several clients at once."""
    from engine.workspace import WorkspaceRef
    from moorage.commands.bench import bench as run
    from moorage.gateway import Sampling, adapter_strengths
    from moorage.load import Workload

    ref = WorkspaceRef(namespace=namespace, name=name)
    sampling = Sampling(
        max_tokens=max_tokens, temperature=0, adapters=adapter_strengths(adapter or [])
    )
    workload = Workload(each=each, long_prompts=long_prompts, sampling=sampling)
    address = _address(server, state_dir)
    run(address, ref, streams, workload, key=api_key, output=output, plot=plot)


@app.command()
def presets(
    *,
    output: TextFormatOption = TextFormat.TEXT,
    server: ServerOption = None,
    state_dir: StateDirectoryOption = None,
) -> None:
    """List the models that a workspace can name."""
    from moorage.commands.catalogue import presets as run

    _run(run(server, state_dir, output))


@app.command()
def instance_types(
    *,
    output: TextFormatOption = TextFormat.TEXT,
    server: ServerOption = None,
    state_dir: StateDirectoryOption = None,
) -> None:
    """List the machines that a workspace can name."""
    from moorage.commands.catalogue import instance_types as run

    _run(run(server, state_dir, output))


@app.command()
def simulate(
    *,
    seed: Annotated[
        int | None, typer.Option(min=0, help="One run, drawn from this seed.", show_default="0")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="A..B", help="A campaign: a run for each seed.")
    ] = None,
    replay: Annotated[
        str | None,
        typer.Option(metavar="FILE|PLAN", help="A plan as JSON, or a file with one."),
    ] = None,
    crash_points: Annotated[
        bool,
        typer.Option("--crash-points", help="Every scenario, stopped at each await in turn."),
    ] = False,
    every: Annotated[
        int, typer.Option(min=1, help="Of the crash points, take only each so-many-th.")
    ] = 1,
    hours: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=1000, help="Hours with faults.", show_default="drawn from the seed"
        ),
    ] = None,
    workspaces: Annotated[
        int | None,
        typer.Option(
            min=1, max=10_000, help="How many users make.", show_default="drawn from the seed"
        ),
    ] = None,
    provisioner: Annotated[
        Literal["karpenter", "moorage"] | None,
        typer.Option(help="Who makes the nodes.", show_default="drawn from the seed"),
    ] = None,
    faults: Annotated[
        str, typer.Option(metavar="CODES", help="all, none, or codes such as CR,EA,SPOT.")
    ] = "all",
    minimize: Annotated[
        bool | None,
        typer.Option(
            "--minimize/--no-minimize",
            help="Make a failing plan as small as it gets.",
            show_default="unless replaying",
        ),
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Do not stop at the first failing seed.")
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="Of a campaign.", show_default="one for each core"),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write a page about it, for a browser."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="The whole log of the run that is shown.")
    ] = False,
    output: TextFormatOption = TextFormat.TEXT,
) -> None:
    """Run Moorage in virtual time while things go wrong, and judge what it does.

    One seed decides everything, so a run can be repeated exactly. Exit code 1 where a property is
    violated; then the shortest plan that does it is shown, with the line that replays it."""
    from moorage.simulation.request import faults_named, plan_given, seeds_named

    if sum(given is not None for given in (seed, seeds, replay, crash_points or None)) > 1:
        raise Failure(
            "give one of --seed, --seeds, --replay and --crash-points", exit_code=ExitCode.INVALID
        )
    if crash_points:
        from moorage.commands.crash_points import crash_everywhere

        crash_everywhere(every=every, form=output)
        return
    codes = faults_named(faults)
    several = seeds_named(seeds) if seeds is not None else None
    plan = plan_given(replay) if replay is not None else None

    from moorage.commands.simulate import Telling, World, simulate_many, simulate_one

    telling = Telling(form=output, verbose=verbose, report=report)
    world = World(workspaces=workspaces, hours=hours, provisioner=provisioner, faults=codes)
    if several is not None:
        simulate_many(
            several,
            world,
            processes=processes,
            keep_going=keep_going,
            minimize=minimize is not False,
            telling=telling,
        )
    elif plan is not None:
        simulate_one(plan, minimize=minimize is True, telling=telling)
    else:
        simulate_one(world.draw(seed or 0), minimize=minimize is not False, telling=telling)


@app.command()
def serve(
    *,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            envvar="KUBECONFIG",
            metavar="FILE",
            help="Of the cluster.",
            show_default="the pod's account, or the user's own",
        ),
    ] = None,
    context: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the kubeconfig; else its current one.")
    ] = None,
    controllers: Annotated[
        str, typer.Option(metavar="NAMES", help="workspace, node, or both.")
    ] = "workspace,node",
    node_api: NodeApiOption = NodeApi.NODE_CLAIM,
    provisioner: ProvisionerOption = Provisioner.NODE_CLAIM,
    node_class: Annotated[
        str, typer.Option(metavar="GROUP/KIND/NAME", help="That node pools refer to.")
    ] = "karpenter.azure.com/AKSNodeClass/default",
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Of the gRPC API; port 0 takes a free one.")
    ] = "127.0.0.1:50051",
    subscription: Annotated[
        str, typer.Option(envvar="ARM_SUBSCRIPTION_ID", metavar="ID", help="Of the AKS cluster.")
    ] = "",
    resource_group: Annotated[
        str, typer.Option(envvar="ARM_RESOURCE_GROUP", metavar="NAME", help="Of the AKS cluster.")
    ] = "",
    cluster: Annotated[
        str, typer.Option(envvar="AZURE_CLUSTER_NAME", metavar="NAME", help="The AKS cluster.")
    ] = "",
    location: Annotated[
        str, typer.Option(envvar="LOCATION", metavar="REGION", help="Of the AKS cluster.")
    ] = "",
    arm_endpoint: Annotated[
        str, typer.Option(metavar="URL", help="Of a simulated Azure; else the public cloud's.")
    ] = "",
    install: Annotated[
        bool, typer.Option("--install", help="Give the cluster the CRDs first.")
    ] = False,
    check_only: Annotated[
        bool, typer.Option("--check-only", help="Look whether all is there, and end.")
    ] = False,
    output: TextFormatOption = TextFormat.TEXT,
) -> None:
    """Run Moorage on a real cluster, until it is told to stop.

    First it looks whether the cluster has all that it needs, and says what is missing. Exit code 1
    where it cannot work without."""
    from adapters.aks.client import ManagedCluster
    from moorage.commands.serve import ServeOptions
    from moorage.commands.serve import node_class as node_class_named
    from moorage.commands.serve import serve as run

    run(
        ServeOptions(
            kubeconfig=kubeconfig,
            context=context,
            controllers=controllers_named(controllers),
            node_api=node_api,
            provisioner=provisioner,
            node_class=node_class_named(node_class),
            listen=listen,
            place=ManagedCluster(
                subscription=subscription,
                resource_group=resource_group,
                name=cluster,
                location=location,
                endpoint=arm_endpoint,
            ),
            install=install,
            check_only=check_only,
            form=output,
        )
    )


@app.command()
def check(
    *,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            envvar="KUBECONFIG",
            metavar="FILE",
            help="Of the cluster.",
            show_default="that of `moorage up`, or the user's own",
        ),
    ] = None,
    context: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the kubeconfig; else its current one.")
    ] = None,
    patience: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="Between two looks at what seems wrong."),
    ] = 15.0,
    state_dir: StateDirectoryOption = None,
    output: TextFormatOption = TextFormat.TEXT,
) -> None:
    """Judge a cluster by the properties that hold in simulation.

    Reads workspaces, what they own, and Events, and changes nothing. Exit code 1 where a property
    is violated; what a cluster does not remember is said to be not judged, and why."""
    from moorage.commands.check import check as run

    _run(run(kubeconfig, context, state_dir, patience_seconds=patience, form=output))


@models.command()
def build(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A Hugging Face folder or a GGUF file.")
    ],
    *,
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="Triton's model repository; made if need be.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Of the model.", show_default="the source's name")
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="How weights are held; fp16 is for GPUs.")
    ] = Precision.FP32,
    context_length: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="TOKENS", help="The longest to be served.", show_default="all there is"
        ),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Of the weights.", show_default="as they say")
    ] = None,
) -> None:
    """Convert weights into an entry of a model repository.

    An entry that is there, intact and of the same weights and settings, is left as it is."""
    from moorage.commands.models import build as run

    run(
        source,
        to,
        name=name,
        precision=precision,
        context_length=context_length,
        licence=licence,
    )


@app.command()
def diagram(
    of: Annotated[
        Literal["workspace", "node-claim"], typer.Argument(help="What goes through the phases.")
    ] = "workspace",
) -> None:
    """Print the phases as a Mermaid diagram."""
    from moorage.diagram import LIFECYCLES, phase_diagram
    from moorage.terminal import results

    results().out(phase_diagram(LIFECYCLES[of]))


def _only_one(name: str | None, *, all_namespaces: bool, selector: str) -> None:
    if name is not None and (all_namespaces or selector):
        raise Failure(
            "a NAME goes neither with --all-namespaces nor with --selector",
            exit_code=ExitCode.INVALID,
        )
