import asyncio

from simulator.kubelet.transcript import Transcript
from simulator.kubernetes.pod_streams import Channel


async def heard(transcript: Transcript, position: int) -> list[tuple[Channel, bytes]]:
    return [piece async for piece in transcript.read_from(position)]


async def test_readers_get_the_past_and_what_follows_until_the_end():
    transcript = Transcript()
    transcript.append(Channel.STDOUT, b"a")
    early = asyncio.create_task(heard(transcript, 0))
    late = asyncio.create_task(heard(transcript, transcript.end))
    await asyncio.sleep(0)
    transcript.append(Channel.STDERR, b"b")
    transcript.close()
    assert await early == [(Channel.STDOUT, b"a"), (Channel.STDERR, b"b")]
    assert await late == [(Channel.STDERR, b"b")]


async def test_reader_who_falls_behind_is_told():
    transcript = Transcript(capacity_bytes=10)
    for number in range(10):
        transcript.append(Channel.STDOUT, b"%04d" % number)
    transcript.close()
    (notice, *rest) = await heard(transcript, 0)
    assert notice[0] is Channel.STDERR
    assert b"dropped" in notice[1]
    assert rest == [(Channel.STDOUT, b"0008"), (Channel.STDOUT, b"0009")]


def test_tail_is_text():
    transcript = Transcript()
    transcript.append(Channel.STDOUT, b"begin ")
    transcript.append(Channel.STDERR, "ende é".encode())
    assert transcript.tail(7) == "ende é"
