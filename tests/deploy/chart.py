"""The chart as helm renders it: objects by their kind, and what is said where it refuses."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from tests.deploy.tools import tool

CHART = Path(__file__).parents[2] / "helm/poller"
EXAMPLES = {name: CHART / f"examples/{name}.yaml" for name in ("sqlite", "kafka")}

Object: TypeAlias = Mapping[str, Any]
Done: TypeAlias = subprocess.CompletedProcess[str]


class Objects:
    """What would be installed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.all: list[Object] = [one for one in yaml.safe_load_all(text) if one]

    def __getitem__(self, kind: str) -> Any:
        """The object of a kind of which there is one."""
        [found] = [one for one in self.all if one["kind"] == kind and "grafana_dashboard" not in labels(one)]
        return found

    @property
    def kinds(self) -> list[str]:
        return sorted(one["kind"] for one in self.all)

    @property
    def workload(self) -> Any:
        """What makes the pods."""
        [found] = [one for one in self.all if one["kind"] in {"Deployment", "StatefulSet"}]
        return found

    @property
    def pod(self) -> Any:
        return self.workload["spec"]["template"]["spec"]

    @property
    def container(self) -> Any:
        [found] = self.pod["containers"]
        return found

    @property
    def config(self) -> str:
        """The config.yaml that poller would read."""
        return str(self["ConfigMap"]["data"]["config.yaml"])

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the container, with made-up secrets."""
        return {one["name"]: "made-up" for one in self.container.get("env", [])}


def labels(of: Object) -> Any:
    return of["metadata"]["labels"]


class Chart:
    """The chart and values, which `tmp` is for."""

    def __init__(self, tmp: Path, chart: Path = CHART) -> None:
        self._tmp, self._chart = tmp, chart

    def render(self, example: str, **values: Any) -> Objects:
        """What an example installs, with other values where they are given. Fails where helm refuses."""
        done = self._helm("template", example, values)
        assert done.returncode == 0, done.stderr
        return Objects(done.stdout)

    def refusal(self, example: str, **values: Any) -> str:
        """What helm says instead of rendering; places as helm 3 writes them, whichever it is."""
        done = self._helm("template", example, values)
        assert done.returncode != 0, "it was rendered"
        assert done.stdout == ""
        return re.sub(r"at '/?(.*?)':", lambda place: place[1].replace("/", ".") + ":", done.stderr)

    def lint(self, example: str, **values: Any) -> str:
        """What `helm lint --strict` finds fault with; empty where that is nothing."""
        done = self._helm("lint", example, values, "--strict")
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def _helm(
        self, command: str, example: str, values: Mapping[str, Any], *flags: str
    ) -> subprocess.CompletedProcess[str]:
        changes = self._tmp / "values.yaml"
        changes.write_text(yaml.safe_dump(dict(values)))
        name = ["r"] if command == "template" else []
        given = [f"--values={path}" for path in ([EXAMPLES[example]] if example else []) + [changes]]
        return subprocess.run(
            [tool("helm", "make tools"), command, *name, str(self._chart), *given, *flags],
            capture_output=True, text=True, check=False,
        )  # fmt: skip


def with_files(tmp: Path, **files: str) -> Chart:
    """The chart, with other files of these names (a dot is a double underscore) under files/."""
    copy = tmp / "poller"
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("files"))
    (copy / "files").mkdir()
    for name, text in files.items():
        (copy / "files" / name.replace("__", ".")).write_text(text)
    return Chart(tmp, copy)
