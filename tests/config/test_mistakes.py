"""Each mistake is told with its line, its path and what would be right, all at once, and without a secret."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from poller.config.placeholders import Placeholders
from tests.config.loading import SECRET, problems

ENVIRON = {"KEY": SECRET, "EMPTY": "", "TYPE": "SECRET-type", "PORT": "SECRET-port"}
BROKEN = [
    "${",
    "${}",
    "${KEY",
    "${KEY-x}",
    "${KEY:x}",
    "${KEY:-${KEY}}",
    "${1KEY}",
    "${KEY }",
    "${file:}",
    "a ${KEY} ${b",
]
ACME = "outputs: {console: {type: stdout}}\nsources:\n  acme:\n    type: callcap\n    api_key: "  # in line 5


def mistakes() -> Iterator[object]:
    """Read mistakes.txt: a name, a configuration, and how each problem it has begins."""
    for case in Path(__file__).with_name("mistakes.txt").read_text().split("=== ")[1:]:
        name, _, rest = case.partition("\n")
        text, _, expected = rest.partition("---\n")
        yield pytest.param(text, expected.split("\n"), id=name)


def check(folder: Path, text: str, expected: list[str], environ: Mapping[str, str] = ENVIRON) -> None:
    found = problems(folder, text, environ)
    assert len(found) == len(expected), found
    for problem, beginning in zip(found, expected, strict=True):
        assert problem.startswith(f"config.yaml:{beginning}")


@pytest.mark.parametrize(("text", "expected"), [*mistakes()])
def test_each_mistake_is_told_with_its_line_and_remedy(tmp_path: Path, text: str, expected: list[str]) -> None:
    check(tmp_path, text, [line for line in expected if line])


@pytest.mark.parametrize("value", BROKEN)
def test_a_malformed_placeholder(tmp_path: Path, value: str) -> None:
    check(
        tmp_path, f"{ACME}'{value}'\n", ["5: sources.acme.api_key: a ${ that is none of ${NAME}, ${NAME:-default} and"]
    )


def test_a_variable_that_is_not_utf8(tmp_path: Path) -> None:
    environ = {"KEY": b"SECRET\xff".decode(errors="surrogateescape")}
    check(tmp_path, f"{ACME}${{KEY}}", ["5: sources.acme.api_key: the environment variable KEY is not UTF-8"], environ)


def test_a_check_that_quotes_what_it_was_given_shows_the_placeholder(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("{SECRET'\"\\}\n")
    key, file = "${KEY}", f"${{file:{secret}}}"
    text = f"{ACME}key\noutput: 1\n".replace("console: {type: stdout}", f"a: {{type: file, path: '{key}'}}")
    expected = [
        "1: outputs.a.path: ${KEY} is not known here: a path's fields are",
        "6: output: unknown key; did you mean",
    ]
    check(tmp_path, text, expected, {"KEY": "{SECRET}"})
    check(tmp_path, text.replace(key, file), [f"1: outputs.a.path: {file} is not", expected[1]])


def test_what_a_placeholder_brought_is_hidden_however_it_is_quoted() -> None:
    placeholders = Placeholders({"KEY": SECRET, "LONGER": f"{SECRET}!"})
    assert placeholders.fill("${KEY} ${LONGER}") == f"{SECRET} {SECRET}!"
    assert placeholders.hide(f"{SECRET} {SECRET!r} {SECRET}!") == "${KEY} '${KEY}' ${LONGER}"
