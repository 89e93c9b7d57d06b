import struct
import zlib

import pytest

from simulator.kubernetes.spdy import (
    DICTIONARY,
    Ping,
    SpdyConnection,
    StreamData,
    StreamOpened,
    StreamReset,
)


def control(kind: int, payload: bytes, flags: int = 0) -> bytes:
    return struct.pack(">HHB", 0x8003, kind, flags) + len(payload).to_bytes(3) + payload


def opening(stream: int, **headers: str) -> bytes:
    block = struct.pack(">I", len(headers))
    for text in (text for pair in headers.items() for text in pair):
        block += struct.pack(">I", len(text)) + text.encode()
    deflate = zlib.compressobj(zdict=DICTIONARY)
    compressed = deflate.compress(block) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return control(1, struct.pack(">II", stream, 0) + b"\0\0" + compressed)


def test_the_dictionary_is_the_drafts() -> None:
    """Its Adler-32 travels in every zlib header that uses it."""
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


def test_frames_are_understood_however_they_are_cut() -> None:
    wire = (
        opening(1, streamtype="data", port="80")
        + SpdyConnection.data(1, b"hello", is_finished=True)
        + SpdyConnection.ping(7)
        + control(3, struct.pack(">II", 1, 5))
    )
    expected = [
        StreamOpened(1, {"streamtype": "data", "port": "80"}, False),
        StreamData(1, b"hello", True),
        Ping(7),
        StreamReset(1),
    ]
    assert list(SpdyConnection().receive(wire)) == expected
    slowly = SpdyConnection()
    assert [event for byte in wire for event in slowly.receive(bytes([byte]))] == expected


@pytest.mark.parametrize(
    "wire",
    [
        struct.pack(">HHBBH", 0x8002, 1, 0, 0, 0),
        control(1, struct.pack(">II", 1, 0) + b"\0\0" + b"not compressed"),
    ],
)
def test_what_is_no_spdy_is_refused(wire: bytes) -> None:
    with pytest.raises(ValueError, match="SPDY"):
        list(SpdyConnection().receive(wire))
