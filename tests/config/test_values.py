"""What values a good configuration has: YAML 1.2's scalars, placeholders, merged mappings, defaults."""

from datetime import timedelta
from pathlib import Path

import pytest

from outputs.file import FileConfig
from poller.config.settings import Server
from poller.errors import ConfigError
from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell
from poller.state.sqlite import SqliteState
from tests.config.loading import OUTPUTS, load_text, problems


def callcap(folder: Path, body: str, **environ: str) -> Callcap:
    text = f"sources:\n  acme:\n    type: callcap\n    {body}\n{OUTPUTS}"
    source = load_text(folder, text, environ).sources["acme"]
    assert isinstance(source, Callcap)
    return source


def key(folder: Path, value: str, **environ: str) -> str:
    return callcap(folder, f"api_key: {value}", **environ).api_key.get_secret_value()


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    settings = load_text(tmp_path, f"sources: {{a: {{type: callcap, api_key: x}}}}\n{OUTPUTS}")
    assert settings.state == SqliteState(type="sqlite", path=Path("state/poller.db"))
    assert settings.server == Server(host="127.0.0.1", port=9090)


def test_every_room_is_read(tmp_path: Path) -> None:
    text = """
sources:
  a.b-c_1: &acme {type: callcap, api_key: x}
  42: *acme
  crm: {type: flextell, tenant: "7", access_token: y, streams: {leads: {sweeps: {live: {every: 500ms}}}}}
outputs:
  archive: {type: file, path: "x/{date}.jsonl"}
  console: {type: stdout}
state: {path: ../other.db}
server: {host: "::1", port: 0}
"""
    settings = load_text(tmp_path, text)
    assert list(settings.sources) == ["a.b-c_1", "42", "crm"]
    assert settings.sources["a.b-c_1"] == settings.sources["42"]
    assert isinstance(crm := settings.sources["crm"], Flextell)
    assert crm.tenant == 7
    assert crm.streams.leads.sweeps.live.every == timedelta(milliseconds=500)
    assert crm.streams.leads.sweeps.live.lookback == timedelta(minutes=10)
    assert isinstance(archive := settings.outputs["archive"], FileConfig)
    assert archive.path == "x/{date}.jsonl"
    assert settings.state == SqliteState(path=Path("../other.db"))
    assert settings.server == Server(host="::1", port=0)


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = load_text(tmp_path, f"sources: {{a: {{type: callcap, api_key: x}}}}\n{OUTPUTS}")
    with pytest.raises(ValueError, match="frozen"):
        settings.server = Server(port=1)


@pytest.mark.parametrize("text", [
    "NO", "on", "True", "007", "0o17", "0x1F", "1_000", "12:30:45", "2026-03-14", "2026-03-14T09:15:42Z",
    "1.", ".5", "+1", ".inf", ".nan", "=", "<<", "123456789012345678901", "1e", "a#b", "null-",
])  # fmt: skip
def test_text_stays_text(tmp_path: Path, text: str) -> None:
    assert key(tmp_path, text) == text


@pytest.mark.parametrize("text", ["1", "-1", "1.5", "1e3", "true", "false", "null", "Null", "NULL", "~", ""])
def test_what_is_no_text_needs_quotes_to_be_one(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="text is needed"):
        key(tmp_path, text)
    if text:
        assert key(tmp_path, f'"{text}"') == key(tmp_path, f"'{text}'") == key(tmp_path, f"!!str {text}") == text


def test_booleans(tmp_path: Path) -> None:
    assert [callcap(tmp_path, f"api_key: x\n    raw: {raw}").raw for raw in ("true", "false", "no")] == [
        True,
        False,
        False,
    ]


def test_norway(tmp_path: Path) -> None:
    assert callcap(tmp_path, "api_key: x\n    region: NO").region == "NO"


@pytest.mark.parametrize(("value", "expected"), [
    ("${KEY}", "secret"), ("'${KEY}'", "secret"), ('"${KEY}"', "secret"), ("a${KEY}b${KEY}c", "asecretbsecretc"),
    ("${NOPE:-x y}", "x y"), ("${EMPTY:-x}", "x"), ("${KEY:-x}", "secret"), ("x${NOPE:-}", "x"), ("x${EMPTY}", "x"),
    ("$KEY", "$KEY"), ("{{KEY}}"[1:-1] and "'{KEY}'", "{KEY}"), ("$${KEY}", "$secret"), ("${NUMBER}", "12345"),
    ("${YAML}", "{a: [b, # ${KEY}"), ("${TRUE}", "true"), ("${NOPE:-:-}", ":-"), ("|\n      ${KEY}", "secret"),
])  # fmt: skip
def test_placeholders(tmp_path: Path, value: str, expected: str) -> None:
    environ = {"KEY": "secret", "EMPTY": "", "NUMBER": "12345", "YAML": "{a: [b, # ${KEY}", "TRUE": "true"}
    assert key(tmp_path, value, **environ) == expected


def test_what_a_placeholder_brings_is_read_as_what_the_key_takes(tmp_path: Path) -> None:
    body = "\n    ".join(
        ["api_key: x", "raw: ${RAW}", "requests_per_minute: ${RATE:-30}", "timeout: ${T}s", "proxy: ${NO:-}"]
    )
    source = callcap(tmp_path, body, RAW="false", T="0.5")
    assert (source.raw, source.requests_per_minute, source.proxy) == (False, 30, None)
    assert source.timeout == timedelta(milliseconds=500)


@pytest.mark.parametrize(("content", "expected"), [
    (b"x", "x"), (b"x\n", "x"), (b"x\r\n", "x"), (b"{a: ${KEY}}\n", "{a: ${KEY}}"),
])  # fmt: skip
def test_a_files_content(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "se cret").write_bytes(content)
    assert key(tmp_path, f"${{file:{tmp_path}/se cret}}") == expected


def test_one_newline_is_taken_off_a_files_content(tmp_path: Path) -> None:
    (tmp_path / "host").write_bytes(b"a\n\n")
    text = f"sources: {{a: {{type: callcap, api_key: x}}}}\n{OUTPUTS}server: {{host: '${{file:{tmp_path}/host}}'}}\n"
    assert load_text(tmp_path, text).server.host == "a\n"


@pytest.mark.parametrize(("content", "expected"), [
    (None, "cannot be read: No such file"), (b"", "is empty"), (b"\n", "is empty"), (b"SECRET\xff", "is not UTF-8"),
])  # fmt: skip
def test_a_file_that_has_no_value(tmp_path: Path, content: bytes | None, expected: str) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    text = f"sources:\n  a:\n    type: callcap\n    api_key: ${{file:{path}}}\n{OUTPUTS}"
    [problem] = problems(tmp_path, text)
    assert problem.startswith(f"config.yaml:4: sources.a.api_key: the file {path} {expected}")


def test_a_folder_has_no_value(tmp_path: Path) -> None:
    text = f"sources: {{a: {{type: callcap, api_key: '${{file:{tmp_path}}}${{file:a\\0}}'}}}}\n{OUTPUTS}".replace(
        "'", '"'
    )
    [problem] = problems(tmp_path, text)
    first, second = problem.split("; ")
    assert first == f"config.yaml:1: sources.a.api_key: the file {tmp_path} cannot be read: Is a directory"
    assert second == "a ${file:...} with an impossible path"


def test_of_merged_keys_the_nearest_counts(tmp_path: Path) -> None:
    text = f"""
sources:
  a: &a {{type: callcap, api_key: a, region: US, timezone: UTC}}
  b: &b {{<<: *a, api_key: b, region: CA}}
  c: {{region: DE, <<: [*b, *a]}}
  d: {{<<: [*a, *b], api_key: d}}
  e: {{"type": callcap, <<: *a}}
{OUTPUTS}"""
    sources = [one for one in load_text(tmp_path, text).sources.values() if isinstance(one, Callcap)]
    found = [(one.api_key.get_secret_value(), one.region, one.timezone) for one in sources]
    assert found == [("a", "US", "UTC"), ("b", "CA", "UTC"), ("b", "DE", "UTC"), ("d", "US", "UTC"), ("a", "US", "UTC")]


def test_merging_what_is_merged_takes_no_longer(tmp_path: Path) -> None:
    first = "  a0: &a0 {type: callcap, api_key: x}"
    further = [f"  a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 30)]
    assert len(load_text(tmp_path, "\n".join(["sources:", first, *further, OUTPUTS])).sources) == 30


def test_windows_files(tmp_path: Path) -> None:
    text = f"sources:\n  a:\n    type: callcap\n    api_key: x\n{OUTPUTS}"
    assert load_text(tmp_path, "\ufeff" + text.replace("\n", "\r\n")) == load_text(tmp_path, text)


def test_outputs_with_places_of_their_own(tmp_path: Path) -> None:
    text = """
sources: {acme: {type: callcap, api_key: x}}
outputs:
  a: {type: file, path: "a/{source}"}
  b: {type: file, path: a/b/c, rejects_path: c}
  c: {type: stdout}
"""
    assert list(load_text(tmp_path, text).outputs) == ["a", "b", "c"]
