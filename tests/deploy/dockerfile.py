"""A Dockerfile as its stages and instructions, and its steps carried out in a folder, where no engine is."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("/build", "/app", "/dist", "/src")
"""What the steps make at the top of the image."""


@dataclass
class Stage:
    """What one FROM begins: its base, its name, and its instructions in their order."""

    base: str
    name: str = ""
    steps: list[tuple[str, str]] = field(default_factory=list)

    def of(self, word: str) -> list[str]:
        """The arguments of every instruction of this word."""
        return [rest for step, rest in self.steps if step == word]


def stages() -> list[Stage]:
    """The stages of the Dockerfile."""
    found: list[Stage] = []
    for word, rest in _instructions((ROOT / "Dockerfile").read_text()):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name))
        elif found:
            found[-1].steps.append((word, rest))
    return found


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n\s*", " ", lines).splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def context() -> list[Path]:
    """The files that .dockerignore lets through, relative to the top."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    tops = (path for path in ROOT.iterdir() if _let_through(path.relative_to(ROOT), rules))
    files = (file.relative_to(ROOT) for top in tops for file in [top, *top.rglob("*")] if file.is_file())
    return sorted(path for path in files if _let_through(path, rules))


def _let_through(path: Path, rules: list[str]) -> bool:
    """The last rule that names the file, or a folder above it, says so."""
    let = True
    for rule in rules:
        pattern = rule.removeprefix("!").rstrip("/").removeprefix("**/")
        above = [path, *path.parents[:-1]]
        if any(one.match(pattern) if rule.startswith("**/") else _is(one, pattern) for one in above):
            let = rule.startswith("!")
    return let


def _is(path: Path, pattern: str) -> bool:
    return len(path.parts) == pattern.count("/") + 1 and path.match(pattern)


class Root:
    """A folder that stands for / while the steps of a stage are carried out."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._workdir = folder, "/"
        self._context = folder / "context"
        for path in context():
            (self._context / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, self._context / path)

    def at(self, path: str) -> Path:
        """Where a path of the image is here."""
        return self.folder / "root" / path.lstrip("/")

    def carry_out(self, stage: Stage) -> None:
        """Do what WORKDIR, COPY and RUN say; nothing else changes files."""
        for word, rest in stage.steps:
            if word == "WORKDIR":
                self._workdir = rest
                self.at(rest).mkdir(parents=True, exist_ok=True)
            elif word == "COPY":
                self._copy(*rest.split())
            elif word == "RUN":
                self._run(rest)

    def _copy(self, *names: str) -> None:
        *sources, target = names
        into = self.at(self._workdir) / target
        for source in (self._context / name for name in sources):
            if source.is_dir():
                shutil.copytree(source, into, dirs_exist_ok=True)
            else:
                shutil.copy2(source, into / source.name if target.endswith("/") else into)

    def _run(self, command: str) -> None:
        ours = re.sub(r"(?<=\s)python(?=\s)", shlex.quote(sys.executable), f" {command}")
        for top in FOLDERS:
            ours = re.sub(rf"(?<=\s){top}(?=[/\s]|$)", shlex.quote(str(self.at(top))), ours)
        done = subprocess.run(
            ["/bin/sh", "-ec", ours], cwd=self.at(self._workdir), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
