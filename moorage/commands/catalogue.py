"""``presets``, ``instance-types``: what can be asked for."""

from pathlib import Path

from api.convert.messages import instance_type_message, preset_message
from engine.instance_types import INSTANCE_TYPES
from engine.presets import PRESETS
from moorage.client import connected
from moorage.options import TextFormat
from moorage.server_address import NoServer, server_address
from moorage.terminal import notes, print_table, results
from moorage.views.catalogue import (
    instance_type_object,
    instance_types_table,
    preset_object,
    presets_table,
)
from moorage.views.documents import document


async def presets(server: str | None, state_directory: Path | None, form: TextFormat) -> None:
    """The server's; where none was ever started, this installation's own."""
    try:
        async with connected(server_address(server, state_directory)) as client:
            found = await client.presets()
    except NoServer:
        _note_offline()
        found = [preset_message(preset) for preset in PRESETS.values()]
    if form is TextFormat.TEXT:
        print_table(presets_table(found))
    else:
        results().out(document([preset_object(preset) for preset in found], form))


async def instance_types(
    server: str | None, state_directory: Path | None, form: TextFormat
) -> None:
    """The server's; where none was ever started, this installation's own."""
    try:
        async with connected(server_address(server, state_directory)) as client:
            found = await client.instance_types()
    except NoServer:
        _note_offline()
        found = [instance_type_message(item) for item in INSTANCE_TYPES.values()]
    if form is TextFormat.TEXT:
        print_table(instance_types_table(found))
    else:
        results().out(document([instance_type_object(item) for item in found], form))


def _note_offline() -> None:
    notes().print("no server was started: this is the catalogue of this installation", style="dim")
