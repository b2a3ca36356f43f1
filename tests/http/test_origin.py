"""No request goes elsewhere, and nothing in the environment has a say: proxies, trust, credentials, keys.

Killed: `trust_env`; a trust store that adds the environment's; `verify=False`; a configured proxy that is not used; a
key log; one TLS context built per source.
"""

import ssl
from pathlib import Path

import pytest
import trustme

from poller.errors import ConfigError, SourceError, Unavailable
from poller.http.client import tls_context
from tests.http.wire import KEY, answer, saying, session, vendor


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


def certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def asked(url: str, tls: ssl.SSLContext | None = None, proxy: str | None = None) -> bytes:
    async with session(url, tls=tls, proxy=proxy) as ours:
        return (await ours.get("/calls", {})).body


async def test_the_configured_authority_is_trusted(authority: trustme.CA, ca_file: Path) -> None:
    async with vendor(saying(answer(body=b"[]")), certified(authority, "localhost")) as server:
        assert await asked(f"https://localhost:{server.port}", tls_context(ca_file)) == b"[]"


@pytest.mark.parametrize("name", ["elsewhere.example", "127.0.0.2"])
async def test_a_certificate_for_another_name_is_not(authority: trustme.CA, ca_file: Path, name: str) -> None:
    async with vendor(saying(answer()), certified(authority, name)) as server:
        with pytest.raises(Unavailable):
            await asked(f"https://localhost:{server.port}", tls_context(ca_file))
    assert server.asked == []


async def test_an_unknown_authority_is_not_whatever_the_environment_says(
    authority: trustme.CA, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(ca_file))
    monkeypatch.setenv("SSL_CERT_DIR", str(ca_file.parent))
    async with vendor(saying(answer()), certified(authority, "localhost")) as server:
        with pytest.raises(Unavailable) as caught:
            await asked(f"https://localhost:{server.port}", tls_context(None))
    assert server.asked == []
    assert "certificate" in str(caught.value), "it says what to mend"


async def test_no_session_keys_are_logged(
    authority: trustme.CA, ca_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    tls_context.cache_clear()
    async with vendor(saying(answer()), certified(authority, "localhost")) as server:
        await asked(f"https://localhost:{server.port}", tls_context(ca_file))
    assert not (tmp_path / "keys").exists()


def test_the_authorities_are_read_once_for_all_sources(ca_file: Path) -> None:
    """A context of Mozilla's list takes most of a megabyte."""
    assert tls_context(None) is tls_context(None)
    assert tls_context(ca_file) is not tls_context(None)


def test_a_file_without_certificates_is_the_operators_to_mend(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"ca_file.*ca\.pem"):
        tls_context(tmp_path / "ca.pem")


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


async def test_a_proxy_that_refuses_shows_none_of_its_password() -> None:
    async with vendor(saying(answer(407))) as proxy:
        with_password = proxy.url.replace("://", "://someone:proxy-secret@")
        with pytest.raises(SourceError) as caught:
            await asked("https://vendor.invalid", tls_context(None), with_password)
    assert proxy.asked[0].method == "CONNECT"
    assert "proxy-authorization" in proxy.asked[0].headers
    assert "secret" not in f"{caught.value!r} {caught.value}"


async def test_credentials_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\ndefault login x password y\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    async with vendor(saying(answer())) as server:
        await asked(server.url)
    assert "authorization" not in server.asked[0].headers
    assert server.asked[0].headers["x-key"] == KEY
