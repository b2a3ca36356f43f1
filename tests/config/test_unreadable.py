"""A file that cannot be read as YAML is told alone, with line and column where there are any."""

import os
from pathlib import Path

import pytest

from poller.config.bounded_file import VALUE
from poller.config.settings import load
from poller.errors import ConfigError
from tests.config.loading import OUTPUTS, load_text, problems

SYNTAX = {
    "a:\n\tb: SECRET\n": "2:1: a tab: indent with spaces",
    "a: @SECRET\n": "1:4: a value that begins with this character needs quotes",
    "a: SECRET: b\n": "1:10: no ':' can stand here",
    "a: - SECRET\n": "1:4: no list item (- ) can stand here",
    "a: 1\n b: SECRET\n": "2:3: no ':' can stand here: the indentation is off",
    "a:\n  b: 1\n c: SECRET\n": "3:2: this does not fit the lines above",
    'a: "x" SECRET\n': "1:8: this does not fit the lines above",
    "a: {b: ${SECRET}}\n": '1:9: a list or mapping in brackets goes wrong here: is it closed? In brackets, quote "${',
    "a: [SECRET\n": "2:1: a list or mapping in brackets",
    'a: "SECRET\n': "2:1: a quote is not closed",
    'a: "\\SECRET"\n': "1:6: in double quotes a backslash",
    'a: "\\xSECRET"\n': "1:7: not YAML: expected escape sequence of 2 hexadecimal numbers, but found 'S'",
    "a: b\nSECRET\nc: d\n": "3:1: a key without ': ' behind it",
    "a: *SECRET\n": "1:4: an alias without its anchor; a value that begins with * needs quotes",
    "a: !SECRET!SECRET b\n": "1:4: a tag, which means nothing here; a value that begins with ! needs quotes",
    "a: 1\n---\nb: SECRET\n": "2:1: a second document begins here",
    "a: 1\nb: SECRET\x07\n": "2: a control character (U+0007): take it out",
    "- SECRET\n": "1: the file is a mapping",
    "\n\nSECRET\n": "3: the file is a mapping",
    "": " the file is empty: it needs sources and outputs",
    "# nothing yet\n": " the file is empty",
    "[" * 2000: " lists and mappings are nested too deeply",
    "- " * 2000: " lists and mappings are nested too deeply",
    "a: &a [*a]\n": " an alias stands within what it stands for",
    "a: &a {b: {<<: *a}}\n": " an alias stands within what it stands for",
    'a: "\\UFFFFFFFF"\n': " a \\U escape or a % line with a number",
    "%YAML " + "9" * 5000 + ".1\n---\na: 1\n": " a \\U escape or a % line with a number",
    "a0: &a0 []\n" + "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(9)): (
        " more than 200,000 values: aliases of aliases multiply"
    ),
}


@pytest.mark.parametrize(("text", "expected"), SYNTAX.items(), ids=[*SYNTAX.values()])
def test_what_is_no_yaml_is_told_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    [problem] = problems(tmp_path, text)
    assert problem.startswith(f"config.yaml:{expected}")


def refused(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    [problem] = caught.value.problems
    return problem.removeprefix(f"{path}:")


def test_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "config.yaml") == " there is no such file; -c FILE names another"
    assert refused(tmp_path) == " the file cannot be read: Is a directory"
    assert refused(tmp_path / ("x" * 300)) == " the file cannot be read: File name too long"
    assert "no file can have this name" in refused(tmp_path / "a\0b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.touch(0o000)
    assert refused(path) == " the file cannot be read: Permission denied"


@pytest.mark.parametrize(("data", "line"), [(b"a: 1\nb: \xff\n", 2), ("a: 1\n".encode("utf-16"), 1)])
def test_a_file_that_is_not_utf8(tmp_path: Path, data: bytes, line: int) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(data)
    assert refused(path) == f"{line}: the file is not UTF-8: save it as UTF-8"


NEEDS_ZERO = pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a file without an end")


@NEEDS_ZERO
def test_a_file_without_an_end_is_not_read_for_ever(tmp_path: Path) -> None:
    assert refused(Path("/dev/zero")) == (
        " the file cannot be read: it holds more than 16 MiB, so it is hardly the one that is meant"
    )
    [problem] = problems(tmp_path, "sources: {a: {type: callcap, api_key: '${file:/dev/zero}'}}\n" + OUTPUTS)
    assert problem == (
        "config.yaml:1: sources.a.api_key: the file /dev/zero cannot be read: it holds more than 1 MiB, so it is "
        "hardly the one that is meant"
    )


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    key, text = tmp_path / "key", f"sources: {{a: {{type: callcap, api_key: '${{file:{tmp_path}/key}}'}}}}\n{OUTPUTS}"
    key.write_text("k" * VALUE)
    load_text(tmp_path, text)
    key.write_text("k" * (VALUE + 1))
    [problem] = problems(tmp_path, text)
    assert "more than 1 MiB" in problem
