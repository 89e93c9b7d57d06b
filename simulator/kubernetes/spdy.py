"""SPDY/3.1 framing as far as port forwarding uses it; no I/O.

Streams carry bytes both ways over one connection; headers are compressed with one zlib stream a
direction, primed with the dictionary of the SPDY/3 draft (draft-mbelshe-httpbis-spdy-00, 2.6.10.1).
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_WORDS = (  # noqa: SIM905 - as a list it would take seventy lines
    "options head post put delete trace accept accept-charset accept-encoding accept-language "
    "accept-ranges age allow authorization cache-control connection content-base "
    "content-encoding content-language content-length content-location content-md5 "
    "content-range content-type date etag expect expires from host if-match if-modified-since "
    "if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer "
    "transfer-encoding upgrade user-agent vary via warning www-authenticate method get status"
).split()
_MORE_WORDS = ("200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive")
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 "
    "Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 "
    "Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, "
    "Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
    "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdch"
    "charset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = (
    b"".join(
        struct.pack(">I", len(word)) + word.encode() for word in (*_WORDS, *_MORE_WORDS, "origin")
    )
    + _TAIL.encode()
)

_VERSION = 3
_SYN_REPLY, _PING = 2, 6
_FIN = 0x01
_CONTROL = 0x8000
_HEADER_BYTES = 8
_STREAM_MASK = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class StreamOpened:
    stream: int
    headers: Mapping[str, str]
    is_finished: bool


@dataclass(frozen=True, slots=True)
class StreamData:
    """``is_finished``: the peer sends nothing more on this stream."""

    stream: int
    data: bytes
    is_finished: bool


@dataclass(frozen=True, slots=True)
class StreamReset:
    stream: int


@dataclass(frozen=True, slots=True)
class Ping:
    number: int


Event = StreamOpened | StreamData | StreamReset | Ping


class SpdyConnection:
    """The server's end. ``receive`` takes bytes as they come; the rest makes bytes to send."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def receive(self, data: bytes) -> Iterator[Event]:
        """Raises ValueError where the bytes are no SPDY/3."""
        self._waiting += data
        while len(self._waiting) >= _HEADER_BYTES:
            length = int.from_bytes(self._waiting[5:8])
            if len(self._waiting) < _HEADER_BYTES + length:
                return
            header = bytes(self._waiting[:_HEADER_BYTES])
            payload = bytes(self._waiting[_HEADER_BYTES : _HEADER_BYTES + length])
            del self._waiting[: _HEADER_BYTES + length]
            yield from self._frame(header, payload)

    def _frame(self, header: bytes, payload: bytes) -> Iterator[Event]:
        first, second, flags = struct.unpack(">HHB", header[:5])
        is_finished = bool(flags & _FIN)
        if not first & _CONTROL:
            stream = (first << 16 | second) & _STREAM_MASK
            yield StreamData(stream, payload, is_finished)
            return
        if first & ~_CONTROL != _VERSION:
            raise ValueError(f"SPDY version {first & ~_CONTROL} is not spoken here")
        match second:
            case 1:  # SYN_STREAM
                stream = int.from_bytes(payload[:4]) & _STREAM_MASK
                yield StreamOpened(stream, self._headers(payload[10:]), is_finished)
            case 3:  # RST_STREAM
                yield StreamReset(int.from_bytes(payload[:4]) & _STREAM_MASK)
            case 6:  # PING
                yield Ping(int.from_bytes(payload[:4]))

    def _headers(self, compressed: bytes) -> dict[str, str]:
        try:
            block = self._inflate.decompress(compressed)
        except zlib.error as error:
            raise ValueError(f"the SPDY headers can't be read: {error}") from error
        count, position = int.from_bytes(block[:4]), 4
        texts = []
        for _ in range(2 * count):
            length = int.from_bytes(block[position : position + 4])
            texts.append(block[position + 4 : position + 4 + length].decode())
            position += 4 + length
        return dict(zip(texts[::2], texts[1::2], strict=True))

    def reply(self, stream: int) -> bytes:
        """Accepts a stream that the peer has opened."""
        block = self._deflate.compress(struct.pack(">I", 0))
        block += self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return _control(_SYN_REPLY, struct.pack(">I", stream) + block)

    @staticmethod
    def data(stream: int, data: bytes, *, is_finished: bool = False) -> bytes:
        flags = _FIN if is_finished else 0
        return struct.pack(">IB", stream, flags) + len(data).to_bytes(3) + data

    @staticmethod
    def ping(number: int) -> bytes:
        return _control(_PING, struct.pack(">I", number))


def _control(kind: int, payload: bytes) -> bytes:
    head = struct.pack(">HHB", _CONTROL | _VERSION, kind, 0)
    return head + len(payload).to_bytes(3) + payload
