"""Loading a text as config.yaml, and watching that no error shows a secret: every secret in these tests says SECRET."""

import traceback
from collections.abc import Mapping
from pathlib import Path

import pytest

from poller.config.settings import Settings, load
from poller.errors import ConfigError

SECRET = "SECRET-\\'\"-5f0c9be1"  # whichever way it is quoted

OUTPUTS = "outputs: {console: {type: stdout}}\n"


def load_text(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ or {})


def problems(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Each problem, without the folder."""
    with pytest.raises(ConfigError) as caught:
        load_text(folder, text, environ)
    told = "".join(traceback.format_exception(caught.value))
    assert "SECRET" not in told
    assert all(len(problem.splitlines()) == 1 for problem in caught.value.problems)
    return [problem.removeprefix(f"{folder}/") for problem in caught.value.problems]
