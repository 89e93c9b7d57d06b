"""The addresses of one cluster: block b of 127.64.0.0/16 for Services, of 127.65.0.0/16 for pods.

Clusters on one machine share its loopback network, so each takes one of 256 blocks. A listening
socket holds the block for as long as the cluster runs, however it ends.
"""

import errno
import hashlib
import socket
from dataclasses import dataclass
from pathlib import Path

BLOCKS = 256
HOLDING_PORT = 10256  # where kube-proxy tells its health
FILE_NAME = "address-block"


class AddressBlockError(Exception):
    """No block of addresses could be taken; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressBlock:
    number: int
    holder: socket.socket

    @property
    def service_network(self) -> str:
        return f"127.64.{self.number}.0/24"

    def release(self) -> None:
        self.holder.close()


def take_block(state_directory: Path) -> AddressBlock:
    """The block that ``state_directory`` has always had, or else a free one.

    Raises AddressBlockError.
    """
    path = state_directory / FILE_NAME
    if path.exists():
        return _retake(int(path.read_text()), state_directory)
    first = hashlib.sha256(str(state_directory.resolve()).encode()).digest()[0]
    for distance in range(BLOCKS):
        block = _hold((first + distance) % BLOCKS)
        if block is not None:
            path.write_text(f"{block.number}\n")
            return block
    raise AddressBlockError(f"all {BLOCKS} blocks of addresses are held by running clusters")


def _retake(number: int, state_directory: Path) -> AddressBlock:
    block = _hold(number)
    if block is None:
        raise AddressBlockError(
            f"the addresses 127.64.{number}.0/24 of {state_directory} are in use: either a cluster "
            f"already runs from this directory, or another one took them; stop that one, or use "
            f"another state directory"
        )
    return block


def _hold(number: int) -> AddressBlock | None:
    """None where another cluster holds the block."""
    holder = socket.socket()
    try:
        holder.bind((f"127.64.{number}.255", HOLDING_PORT))
        holder.listen(1)
    except OSError as error:
        holder.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise AddressBlockError(
            f"this machine does not let a program listen on 127.64.{number}.255 ({error.strerror});"
            f" the simulated cluster needs all of 127.0.0.0/8, as Linux has it"
        ) from error
    return AddressBlock(number=number, holder=holder)
