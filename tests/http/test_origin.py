"""No request goes elsewhere, and nothing in the environment has a say: proxies, trust, credentials, keys.

Killed: `trust_env`; a trust store that adds the environment's; `verify=False`; a configured proxy that is not used; a
key log; one TLS context built per source; a trust store that only grows, or is read at the start only.
"""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import anyio.abc
import pytest
import trustme
from structlog.testing import capture_logs

from poller.errors import ConfigError, SourceError, Unavailable
from poller.http.tls import tls_context
from tests.http.wire import KEY, answer, certified, saying, session, vendor


@asynccontextmanager
async def secure_vendor(authority: trustme.CA) -> AsyncIterator[str]:
    async with vendor(saying(answer(body=b"[]")), certified(authority, "localhost")) as server:
        yield f"https://localhost:{server.port}"


async def asked(url: str, ca_file: Path | None = None, proxy: str | None = None) -> bytes:
    async with session(url, ca_file=ca_file, proxy=proxy) as ours:
        return (await ours.get("/calls", {})).body


async def test_the_configured_authority_is_trusted(authority: trustme.CA, ca_file: Path) -> None:
    async with vendor(saying(answer(body=b"[]")), certified(authority, "localhost")) as server:
        assert await asked(f"https://localhost:{server.port}", ca_file) == b"[]"


@pytest.mark.parametrize("path", ["@127.0.0.1:{port}/calls", ":{port}/calls", "calls", ""])
async def test_a_path_cannot_make_another_origin_of_ours(path: str) -> None:
    async with vendor(saying(answer())) as server, session("http://127.0.0.1") as ours:
        with pytest.raises(ValueError, match="begins with /"):
            await ours.get(path.format(port=server.port), {})
        assert not server.asked


@pytest.mark.parametrize("name", ["elsewhere.example", "127.0.0.2"])
async def test_a_certificate_for_another_name_is_not(authority: trustme.CA, ca_file: Path, name: str) -> None:
    async with vendor(saying(answer()), certified(authority, name)) as server:
        with pytest.raises(Unavailable):
            await asked(f"https://localhost:{server.port}", ca_file)
    assert server.asked == []


async def test_an_unknown_authority_is_not_whatever_the_environment_says(
    authority: trustme.CA, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(ca_file))
    monkeypatch.setenv("SSL_CERT_DIR", str(ca_file.parent))
    async with vendor(saying(answer()), certified(authority, "localhost")) as server:
        with pytest.raises(Unavailable) as caught:
            await asked(f"https://localhost:{server.port}")
    assert server.asked == []
    assert "certificate" in str(caught.value), "it says what to mend"


async def test_no_session_keys_are_logged(
    authority: trustme.CA, ca_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    async with vendor(saying(answer()), certified(authority, "localhost")) as server:
        await asked(f"https://localhost:{server.port}", ca_file)
    assert not (tmp_path / "keys").exists()


def test_the_authorities_are_read_once_for_all_sources(ca_file: Path) -> None:
    """A context of Mozilla's list takes most of a megabyte."""
    assert tls_context(None) is tls_context(None)
    assert tls_context(ca_file) is not tls_context(None)


def test_a_file_without_certificates_is_the_operators_to_mend(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"ca_file.*ca\.pem"):
        tls_context(tmp_path / "ca.pem")


async def test_a_changed_file_counts_for_the_next_connection(ca_file: Path, authority: trustme.CA) -> None:
    """Authorities are renewed in their file, as cert-manager does; the old one is trusted no longer."""
    other = trustme.CA()
    async with secure_vendor(other) as url, session(url, ca_file=ca_file) as ours:
        with pytest.raises(Unavailable, match="certificate"):
            await ours.get("/calls", {})
        replace(ca_file, other.cert_pem.bytes())
        assert (await ours.get("/calls", {})).body == b"[]"
        replace(ca_file, authority.cert_pem.bytes())
        with pytest.raises(Unavailable, match="certificate"):
            await ours.get("/calls", {})


async def test_a_file_that_breaks_leaves_what_was_read_and_is_told_once(ca_file: Path, authority: trustme.CA) -> None:
    whole = authority.cert_pem.bytes()
    async with secure_vendor(authority) as url, session(url, ca_file=ca_file) as ours:
        with capture_logs() as lines:
            for broken in (b"", b"no certificate", whole[:-40], None):
                replace(ca_file, broken)
                for _ in range(2):
                    assert (await ours.get("/calls", {})).body == b"[]"
        told = [line for line in lines if line["event"] == "certificates.unreadable"]
        assert [(line["source"], str(ca_file) in line["error"]) for line in told] == [("acme", True)]
        with capture_logs() as lines:
            replace(ca_file, whole)
            await ours.get("/calls", {})
            assert lines == []
            replace(ca_file, b"broken again")
            await ours.get("/calls", {})
        assert [line["event"] for line in lines] == ["certificates.unreadable"]


def replace(path: Path, content: bytes | None) -> None:
    """As those do who want nobody to read half a file; None takes it away."""
    if content is None:
        path.unlink()
        return
    path.with_suffix(".new").write_bytes(content)
    path.with_suffix(".new").replace(path)


async def test_a_proxy_out_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with vendor(saying(answer(body=b"proxied"))) as proxy, vendor(saying(answer(body=b"direct"))) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        assert await asked(server.url) == b"direct"
    assert proxy.asked == []


async def test_a_configured_proxy_is_used_even_for_what_the_environment_excludes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    async with vendor(saying(answer(body=b"proxied"))) as proxy:
        assert await asked("http://vendor.invalid", proxy=proxy.url) == b"proxied"
    assert proxy.asked[0].target == "http://vendor.invalid/calls"


async def test_through_a_proxys_tunnel_only_the_configured_authority_is_trusted(
    authority: trustme.CA, ca_file: Path
) -> None:
    async with secure_vendor(authority) as url, tunnelling() as proxy:
        assert [await asked(url, ca_file, proxy) for _ in range(2)] == [b"[]", b"[]"]
        with pytest.raises(Unavailable, match="certificate"):
            await asked(url, proxy=proxy)


async def test_of_a_credential_and_a_proxys_password_each_stays_with_its_own(
    authority: trustme.CA, ca_file: Path
) -> None:
    heard: list[bytes] = []
    async with (
        vendor(saying(answer(body=b"[]")), certified(authority, "localhost")) as server,
        tunnelling(heard) as proxy,
    ):
        with_password = proxy.replace("://", "://someone:proxy-secret@")
        assert await asked(f"https://localhost:{server.port}", ca_file, with_password) == b"[]"
    said = b"".join(heard)
    assert said.count(b64encode(b"someone:proxy-secret")) == 1
    assert KEY.encode() not in said
    assert KEY in f"{server.asked[0].headers}"
    assert [name for name in server.asked[0].headers if name.startswith("proxy")] == []


@asynccontextmanager
async def tunnelling(heard: list[bytes] | None = None) -> AsyncIterator[str]:
    """A proxy that does what it is asked to: its address. Of what it hears it notes the requests for a tunnel."""
    noted = [] if heard is None else heard

    async def connect(client: anyio.abc.SocketStream) -> None:
        noted.append(await client.receive())
        target = noted[-1].split(b" ")[1].decode()
        async with client, await anyio.connect_tcp("127.0.0.1", int(target.rpartition(":")[2])) as there:
            await client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            async with anyio.create_task_group() as group:
                group.start_soon(_pass_on, there, client)
                await _pass_on(client, there)
                group.cancel_scope.cancel()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, connect)
        yield f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"  # noqa: S610  not Django's
        group.cancel_scope.cancel()


async def _pass_on(there: anyio.abc.SocketStream, here: anyio.abc.SocketStream) -> None:
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async for part in there:
            await here.send(part)
        await here.send_eof()


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_a_proxy_that_refuses_names_its_status_and_shows_none_of_its_password(scheme: str) -> None:
    async with vendor(saying(answer(407, Proxy_Authenticate="Basic"))) as proxy:
        with_password = proxy.url.replace("://", "://someone:proxy-secret@")
        with pytest.raises(SourceError) as caught:
            await asked(f"{scheme}://vendor.invalid", proxy=with_password)
    assert proxy.asked[0].method == ("CONNECT" if scheme == "https" else "GET")
    assert "proxy-authorization" in proxy.asked[0].headers
    assert "secret" not in f"{caught.value!r} {caught.value}"
    assert str(caught.value) == "the proxy answered 407 Proxy Authentication Required"
    assert isinstance(caught.value, Unavailable)


async def test_what_a_proxy_says_beside_its_status_is_not_shown() -> None:
    async with vendor(saying(b"HTTP/1.1 599 someone:proxy-secret\r\nContent-Length: 0\r\n\r\n")) as proxy:
        with pytest.raises(Unavailable) as caught:
            await asked("https://vendor.invalid", proxy=proxy.url)
    assert str(caught.value) == "the proxy answered 599"


async def test_a_proxy_that_is_away_is_named_without_its_password() -> None:
    async with vendor(saying(answer())) as proxy:
        address = proxy.url.partition("//")[2]
    with pytest.raises(Unavailable) as caught:
        await asked("https://vendor.invalid", proxy=f"http://someone:proxy-secret@{address}")
    assert str(caught.value).startswith(f"the connection failed: ConnectError (to the proxy {address}: ")
    assert "secret" not in str(caught.value)


async def test_credentials_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\ndefault login x password y\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    async with vendor(saying(answer())) as server:
        await asked(server.url)
    assert "authorization" not in server.asked[0].headers
    assert server.asked[0].headers["x-key"] == KEY
