"""The configuration: the example, the recipes, and a file in which every vendor stands, changed."""

import json
from functools import cache
from pathlib import Path
from random import Random

import anyio
import yaml

from poller.commands.explain.first_request import first_request
from poller.config.settings import Settings, load
from poller.errors import ConfigError
from poller.polling.progress.windows import first_window, window
from poller.state.account import account_id
from poller.state.open import _places
from tests.config.test_any_text import GOOD
from tests.fuzz.mutation import change_bytes, change_structure, read, spell
from tests.fuzz.polled import NOW
from tests.fuzz.target import Case, FileCase, Target
from tests.sources.rest.recipes import FOLDER, RECIPES, made_up, text_of

ROOT = FOLDER.parents[1]
_MARKS = [
    "${", "${X}", "${KEY}", "${file:/}", "{start}", "{end:epoch_ms}", "{cursor}", "{page}", "{", "}", "&a ", "*a", "#",
    "!!int ", "- ", ": ", "? ", "|", ">", "%", "---\n", "\t", "\\", "\0", "\u2028", "\ufeff", "<<: ", "'", '"', "~",
]  # fmt: skip


@cache
def _texts() -> list[str]:
    return [yaml.safe_dump(GOOD), (ROOT / "config.yaml").read_text(encoding="utf-8"), *map(text_of, RECIPES)]


@cache
def _values(which: int) -> bytes:
    """Return a configuration as JSON, which is YAML, too."""
    return json.dumps(yaml.safe_load(_texts()[which]), default=str).encode()


@cache
def _environment() -> dict[str, str]:
    names = {name: value for recipe in RECIPES for name, value in made_up(recipe).items()}
    return {**names, "KEY": "made-up-key"}


class _Loaded(FileCase):
    suffix = ".yaml"

    def read(self, path: Path) -> None:
        """Load it; what was taken has to be of use."""
        try:
            settings = load(path, _environment())
        except ConfigError as error:
            if not all(len(one.splitlines()) == 1 and one.startswith(f"{path}") for one in error.problems):
                raise AssertionError(f"a problem that is not a line with its place: {error}") from error
        else:
            anyio.run(_use, settings)


async def _use(settings: Settings) -> None:
    """Ask for all that a start asks of the settings, and for the first request of every sweep."""
    _places(settings.sources, progress=True)
    for source in settings.sources.values():
        account_id(source)
        source.credential()
        start = source.start_at(NOW)
        for stream in source.built_streams:
            for sweep in stream.sweeps:
                asked = window(sweep, first_window(sweep, start, NOW), None, NOW)
                await first_request(sweep.fetch, None, asked, source.base_url)


class Configuration(Target):
    """`config.yaml`."""

    name = "configuration"

    def case(self, rng: Random) -> Case:
        """Change a value, or the text."""
        which = rng.randrange(len(_texts()))
        if rng.random() < 0.6:
            value = read(_values(which))
            for _ in range(rng.choice([1, 1, 1, 2, 3])):
                value = change_structure(value, rng)
            return _Loaded(spell(value))
        text = _texts()[which].encode()
        for _ in range(rng.choice([1, 1, 2])):
            at = rng.randint(0, len(text))
            text = (
                text[:at] + rng.choice(_MARKS).encode() + text[at:] if rng.random() < 0.5 else change_bytes(text, rng)
            )
        return _Loaded(text)
