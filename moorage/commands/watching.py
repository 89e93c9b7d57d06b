"""``watch``: follow workspaces until they are where one wants them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from engine.phase import Phase
from moorage.client import Client, connected
from moorage.failure import ExitCode, Failure
from moorage.following import Picture, Subject, follow
from moorage.terminal import results
from moorage.views.workspaces import live_table, news_line, plain_name, removal_line

FRAMES_PER_SECOND = 4
TAKEN_UP_SECONDS = 15.0


def phase_named(text: str) -> Phase:
    """In any case. Raises Failure where there is none of that name."""
    for phase in Phase:
        if phase.lower() == text.lower():
            return phase
    raise Failure(f"{text} is not a phase: one of {', '.join(Phase)}", exit_code=ExitCode.INVALID)


async def watch(
    address: str, subject: Subject, *, until: Phase | None, timeout_seconds: float | None
) -> None:
    """Without ``until`` it ends with Ctrl-C, or when the one workspace it watches is gone."""
    show = draw if results().is_terminal else tell
    async with connected(address) as client:
        try:
            async with asyncio.timeout(timeout_seconds), aclosing(follow(client, subject)) as news:
                await show(_until_settled(news, subject, until))
        except TimeoutError as error:
            goal = f"not {until}" if until else "nothing to end it"
            raise Failure(
                f"{goal} within {timeout_seconds:g} s",
                details=["`moorage explain NAME` tells what a workspace waits for"],
            ) from error


async def tell(news: AsyncIterator[Picture]) -> None:
    """One line for each change that matters to people."""
    told: dict[str, str] = {}
    async for picture in news:
        for workspace in picture.workspaces.values():
            line = news_line(workspace)
            if told.get(workspace.name) != line.plain:
                _log(results(), line)
            told[workspace.name] = line.plain
        if picture.removed:
            _log(results(), removal_line(picture.removed))


def _log(console: Console, line: Text) -> None:
    console.print(
        Text(f"{datetime.now(UTC).astimezone():%H:%M:%S}  ", style="dim").append_text(line)
    )
    console.file.flush()


async def draw(news: AsyncIterator[Picture]) -> None:
    """A table that counts down between changes."""
    latest = Picture()

    def table() -> Table:
        return live_table(list(latest.workspaces.values()), now=datetime.now(UTC))

    with Live(get_renderable=table, console=results(), refresh_per_second=FRAMES_PER_SECOND):
        async for picture in news:
            latest = picture


async def _until_settled(
    news: AsyncIterator[Picture], subject: Subject, until: Phase | None
) -> AsyncIterator[Picture]:
    async for picture in news:
        yield picture
        if _settled(picture, subject, until):
            return


async def gone(client: Client, subject: Subject, limit_seconds: float, console: Console) -> None:
    """Tells what is being released until the workspace is gone. Raises Failure after the limit."""
    told = ""
    try:
        async with asyncio.timeout(limit_seconds), aclosing(follow(client, subject)) as news:
            async for picture in news:
                if not picture.workspaces:
                    return
                (workspace,) = picture.workspaces.values()
                if workspace.message != told:
                    _log(console, news_line(workspace))
                told = workspace.message
    except TimeoutError as error:
        raise Failure(
            f"{subject.name} is still being deleted after {limit_seconds:g} s",
            details=[f"`moorage explain {subject.name}` tells what it waits for"],
        ) from error


async def next_attempt(client: Client, subject: Subject, earlier: int) -> int:
    """Waits until the attempt after ``earlier`` has begun. Raises Failure after a while."""
    try:
        async with (
            asyncio.timeout(TAKEN_UP_SECONDS),
            aclosing(follow(client, subject)) as news,
        ):
            async for picture in news:
                for workspace in picture.workspaces.values():
                    if workspace.attempt > earlier:
                        return workspace.attempt
    except TimeoutError as error:
        raise Failure(
            f"{subject.name}: the retry is stored, but no engine has begun it within "
            f"{TAKEN_UP_SECONDS:g} s",
            details=["is the engine running? It will begin as soon as it does"],
        ) from error
    raise AssertionError  # the stream has no end


def _settled(picture: Picture, subject: Subject, until: Phase | None) -> bool:
    """Whether there is nothing more to wait for. Raises Failure where waiting is in vain."""
    if subject.name and not picture.workspaces:
        return _without_subject(picture, subject, until)
    phases = [workspace.phase for workspace in picture.workspaces.values()]
    if until is None or not phases:
        return False
    if until is not Phase.FAILED:
        for workspace in picture.workspaces.values():
            if workspace.phase == Phase.FAILED:
                raise Failure(
                    f"{plain_name(workspace)} failed: {workspace.message} [{workspace.reason}]",
                    details=[workspace.remedy] if workspace.remedy else [],
                )
    return all(phase == until for phase in phases)


def _without_subject(picture: Picture, subject: Subject, until: Phase | None) -> bool:
    if picture.removed is None:
        raise Failure(
            f"workspace {subject.namespace}/{subject.name} does not exist",
            exit_code=ExitCode.NOT_FOUND,
        )
    if until is not None:
        raise Failure(f"{subject.name} was deleted", exit_code=ExitCode.NOT_FOUND)
    return True
