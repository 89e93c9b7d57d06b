"""Who is let in, for how long, and how the gateway ends: before a scripted model."""

import asyncio
import datetime as dt
import json
import ssl
from contextlib import asynccontextmanager

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.workloads.scripted_gateway import (
    BASE,
    ScriptedModel,
    endless,
    said,
    serving,
    silent,
    until,
)
from workloads.gateway.__main__ import main
from workloads.gateway.api_key import ApiKeyFile
from workloads.gateway.limits import Limits
from workloads.gateway.server import Tls

PROMPT = {"model": BASE, "prompt": "x"}


@asynccontextmanager
async def connected(served):
    """A bare connection, for clients that misbehave."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        yield reader, writer
    finally:
        writer.close()


def head(length: int, *headers: str) -> bytes:
    lines = ["POST /v1/completions HTTP/1.1", "Host: x", f"Content-Length: {length}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class TestRequestIds:
    @pytest.mark.parametrize("path", ["/health", "/chat", "/v1/nothing"])
    async def test_a_request_keeps_the_id_it_came_with(self, path):
        async with (
            serving(ScriptedModel()) as served,
            aiohttp.ClientSession(headers={"X-Request-Id": "abc-1"}) as http,
            http.get(served.url + path) as response,
        ):
            assert response.headers["X-Request-Id"] == "abc-1"

    @pytest.mark.parametrize("sent", ["", "two words", "x" * 129, "é"])
    async def test_an_id_that_is_none_is_replaced(self, sent):
        async with (
            serving(ScriptedModel()) as served,
            aiohttp.ClientSession(headers={"X-Request-Id": sent}) as http,
            http.get(served.url) as response,
        ):
            given = response.headers["X-Request-Id"]
        assert given.isalnum()
        assert given != sent

    async def test_a_defect_is_told_by_the_id_alone(self, caplog):
        async def broken(_):
            raise RuntimeError("/secret/path")
            yield

        async with (
            serving(ScriptedModel(broken)) as served,
            aiohttp.ClientSession(served.url, headers={"X-Request-Id": "abc-2"}) as http,
            http.post("/v1/completions", json=PROMPT) as response,
        ):
            body = await response.json()
        assert (response.status, body["error"]["code"]) == (500, "internal_error")
        assert body["error"]["message"].endswith("under request id abc-2")
        assert "secret" not in json.dumps(body)
        assert "/secret/path" in caplog.text


class TestApiKey:
    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "key"
        path.write_text("s3cret\n")
        return path

    async def status(self, http, path, key=None):
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        async with http.get(path, headers=headers) as response:
            return response.status

    async def test_only_the_key_opens_all_but_probes_and_metrics(self, file):
        async with (
            serving(ScriptedModel(), key=ApiKeyFile(file)) as served,
            aiohttp.ClientSession(served.url) as http,
        ):
            for path in ("/v1/models", "/", "/nothing"):
                assert await self.status(http, path) == 401
                assert await self.status(http, path, "s3cres") == 401
                assert await self.status(http, path, "") == 401
                assert await self.status(http, path, "é") == 401
            assert await self.status(http, "/v1/models", "s3cret") == 200
            assert await self.status(http, "/health") == 200
            assert await self.status(http, "/metrics") == 200

    @pytest.mark.parametrize(
        "path", ["/v1/completions", "/v1/load_lora_adapter", "/v1/unload_lora_adapter"]
    )
    async def test_the_refusal_is_openais_and_asks_for_a_bearer(self, file, path):
        model = ScriptedModel()
        async with (
            serving(model, key=ApiKeyFile(file)) as served,
            aiohttp.ClientSession(served.url) as http,
        ):
            body = {"lora_name": "x", "lora_path": "/x"}
            async with http.post(path, json=body, headers={"Authorization": "Basic x"}) as refused:
                assert refused.status == 401
                assert refused.headers["WWW-Authenticate"] == "Bearer"
                assert (await refused.json())["error"]["code"] == "invalid_api_key"
        assert (model.asked, model.directories) == ([], {})

    async def test_a_rotated_key_counts_at_once_and_an_old_line_as_long_as_it_stays(self, file):
        async with (
            serving(ScriptedModel(), key=ApiKeyFile(file)) as served,
            aiohttp.ClientSession(served.url) as http,
        ):
            assert await self.status(http, "/", "s3cret") == 200
            self.replace(file, "s3cret\nn3w\n")
            assert await self.status(http, "/", "s3cret") == 200
            assert await self.status(http, "/", "n3w") == 200
            self.replace(file, "n3w")
            assert await self.status(http, "/", "s3cret") == 401

    async def test_a_key_that_is_gone_or_empty_stays_what_it_was(self, file):
        async with (
            serving(ScriptedModel(), key=ApiKeyFile(file)) as served,
            aiohttp.ClientSession(served.url) as http,
        ):
            self.replace(file, "\n")
            assert await self.status(http, "/", "s3cret") == 200
            assert await self.status(http, "/", "") == 401
            file.unlink()
            assert await self.status(http, "/", "s3cret") == 200

    @pytest.mark.parametrize("content", [None, "", " \n"])
    def test_a_gateway_does_not_start_without_a_key_in_the_file(self, tmp_path, capsys, content):
        path = tmp_path / "key"
        if content is not None:
            path.write_text(content)
        arguments = ["--listen=127.0.0.1:0", "--triton=x:1", "--model=x", f"--api-key-file={path}"]
        with pytest.raises(SystemExit):
            main(arguments)
        assert str(path) in capsys.readouterr().err

    @staticmethod
    def replace(file, content):
        """As the kubelet does: by another file under the same name."""
        other = file.with_name("other")
        other.write_text(content)
        other.replace(file)


class TestTls:
    @pytest.fixture
    def tls(self, tmp_path):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        tls = Tls(certificate=tmp_path / "tls.crt", key=tmp_path / "tls.key")
        tls.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        tls.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return tls

    async def test_answers_come_encrypted_and_under_the_certificate(self, tls):
        trust = ssl.create_default_context(cafile=tls.certificate)
        async with serving(ScriptedModel(), tls=tls) as served, aiohttp.ClientSession() as http:
            url = f"https://localhost:{served.port}/v1/completions"
            async with http.post(url, json=PROMPT, ssl=trust) as response:
                assert (await response.json())["choices"][0]["text"] == "Hello world"
            with pytest.raises(aiohttp.ClientError):
                await http.get(f"http://localhost:{served.port}/")

    def test_a_certificate_without_its_key_is_a_wrong_command(self, capsys):
        with pytest.raises(SystemExit):
            main(["--listen=:0", "--triton=x:1", "--model=x", "--tls-certificate=x"])
        assert "go together" in capsys.readouterr().err


class TestLimits:
    async def test_a_body_that_does_not_come_is_answered_408(self):
        async with (
            serving(ScriptedModel(), limits=Limits(body_seconds=0.1)) as served,
            connected(served) as (reader, writer),
        ):
            writer.write(head(100) + b'{"model"')
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"within 0.1 seconds" in answer

    @pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost"])
    async def test_a_head_that_does_not_come_closes_the_connection(self, sent):
        async with (
            serving(ScriptedModel(), limits=Limits(arrival_seconds=0.1)) as served,
            connected(served) as (reader, writer),
        ):
            writer.write(sent)
            assert await reader.read() == b""

    async def test_a_body_that_nobody_reads_keeps_no_connection_open(self, tmp_path):
        (tmp_path / "key").write_text("s3cret")
        key = ApiKeyFile(tmp_path / "key")
        async with (
            serving(ScriptedModel(), key=key, limits=Limits(arrival_seconds=0.3)) as served,
            connected(served) as (reader, writer),
        ):
            writer.write(head(1_000_000))
            dripping = asyncio.create_task(self.drip(writer))
            async with asyncio.timeout(20):
                assert (await reader.read()).startswith(b"HTTP/1.1 401")
            dripping.cancel()

    @staticmethod
    async def drip(writer):
        while True:
            writer.write(b" ")
            await asyncio.sleep(0.05)

    async def test_an_answer_may_take_longer_than_its_request(self):
        async def slow(_):
            await asyncio.sleep(0.4)
            yield said("late", 1, "stop")

        limits = Limits(arrival_seconds=0.2, body_seconds=0.1)
        async with (
            serving(ScriptedModel(slow), limits=limits) as served,
            aiohttp.ClientSession(served.url) as http,
        ):
            for _ in range(2):  # over one connection
                async with http.post("/v1/completions", json=PROMPT) as response:
                    assert response.status == 200

    async def test_a_client_that_does_not_read_its_stream_is_left(self):
        async def flood(_):
            while True:
                yield said("x" * 100_000, 1)

        model = ScriptedModel(flood)
        async with (
            serving(model, limits=Limits(stall_seconds=0.1)) as served,
            connected(served) as (_, writer),
        ):
            body = json.dumps(PROMPT | {"stream": True}).encode()
            writer.write(head(len(body)) + body)
            await model.until_running(1)
            await asyncio.wait_for(served.traffic.none_left(), 10)
            assert model.running == 0

    async def test_headers_without_measure_are_refused(self):
        limits = Limits(header_bytes=2000)
        async with (
            serving(ScriptedModel(), limits=limits) as served,
            aiohttp.ClientSession(served.url) as http,
        ):
            headers = {f"X-{index}": "x" * 100 for index in range(20)}
            async with http.get("/health", headers=headers) as response:
                assert response.status == 431
            async with connected(served) as (reader, writer):
                writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * 2100)
                assert (await reader.read()).startswith(b"HTTP/1.1 400")

    async def test_requests_beyond_the_limit_are_too_many_but_probes_are_answered(self):
        model = ScriptedModel(silent)
        async with (
            serving(model, limits=Limits(requests=2)) as served,
            aiohttp.ClientSession(served.url) as http,
        ):
            waiting = [asyncio.create_task(post(http)) for _ in range(2)]
            await model.until_running(2)
            async with http.post("/v1/completions", json=PROMPT) as refused:
                assert refused.status == 429
                assert refused.headers["Retry-After"] == "1"
            async with http.get("/health") as response:
                assert response.status == 200
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await asyncio.wait_for(served.traffic.none_left(), 10)
            async with http.get("/v1/models") as response:
                assert response.status == 200

    async def test_connections_beyond_the_limit_are_turned_away(self):
        async with (
            serving(ScriptedModel(), limits=Limits(connections=2)) as served,
            connected(served),
            connected(served) as (reader, writer),
        ):
            writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 503")


async def post(http, **settings):
    async with http.post("/v1/completions", json=PROMPT | settings) as response:
        return await response.text()


class TestDrain:
    async def test_streams_end_while_probes_and_others_are_told(self):
        released = asyncio.Event()

        async def held(_):
            yield said("slowly", 1)
            await released.wait()
            yield said(" done", 2, "stop")

        model = ScriptedModel(held)
        async with serving(model) as served, aiohttp.ClientSession(served.url) as http:
            streaming = asyncio.create_task(post(http, stream=True))
            await model.until_running(1)
            served.server.drain()
            async with http.get("/health") as response:
                assert response.status == 503
                assert "draining" in (await response.json())["detail"]
            async with http.post("/v1/completions", json=PROMPT) as refused:
                assert refused.status == 503
                assert refused.headers["Retry-After"] == "1"
                assert (await refused.json())["error"]["code"] == "draining"
            released.set()
            assert (await streaming).endswith("data: [DONE]\n\n")
            await until(lambda: served.server.should_exit)

    async def test_a_second_signal_cuts_streams_off(self):
        model = ScriptedModel(endless)
        async with serving(model) as served, aiohttp.ClientSession(served.url) as http:
            streaming = asyncio.create_task(post(http, stream=True))
            await model.until_running(1)
            served.server.drain()
            served.server.drain()
            with pytest.raises(aiohttp.ClientError):
                await streaming
            await model.until_running(0)
