"""What can be configured of files, what a check finds, and where no value leads."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from outputs import Message, OutputError
from outputs.file import FileConfig, paths
from tests.outputs.material import (
    MIDNIGHT,
    file_config,
    names,
)


def test_a_check_finds_what_would_keep_us_from_writing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file is not a folder"):
        file_config(tmp_path / "file").check()
    assert file_config(tmp_path / "new/folder").check().endswith("can be written")
    assert names(tmp_path) == ["file"]
    (tmp_path / "events.jsonl").mkdir()
    with pytest.raises(OutputError, match=r"events\.jsonl is not a regular file"):
        FileConfig(type="file", path=str(tmp_path / "events.jsonl"), rejects_path=str(tmp_path / "r.jsonl")).check()


@pytest.mark.skipif(os.getuid() != 0, reason="who is not root has no permission there")
def test_a_check_knows_that_root_can_write_nothing_into_proc() -> None:
    with pytest.raises(OutputError, match=r"/proc is made up by the kernel, so /proc/new/\{source\}\.jsonl cannot"):
        FileConfig(type="file", path="/proc/new/{source}.jsonl").check()


@pytest.mark.parametrize(
    ("full", "words"),
    [({"f_bavail": 3}, "no space left on its disk: make room"), ({"f_favail": 0}, "no more files fit on its disk")],
    ids=["blocks", "files"],
)
def test_a_check_finds_a_full_disk(
    full: dict[str, int], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = {"f_blocks": 256, "f_bavail": 200, "f_frsize": 4096, "f_files": 90, "f_favail": 9}
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(**counted))
    assert file_config(tmp_path / "new").check()
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(**counted | full))
    with pytest.raises(OutputError, match=f"{tmp_path}: {words}"):
        file_config(tmp_path / "new").check()
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(**dict.fromkeys(counted, 0)))
    assert file_config(tmp_path / "new").check(), "a disk that does not count"


async def test_a_disk_that_is_full_at_the_start_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_blocks=256, f_bavail=0, f_frsize=4096))
    async with file_config(tmp_path).open({}):
        pass


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become nobody")
def test_a_check_knows_permissions() -> None:
    with tempfile.TemporaryDirectory() as name, as_nobody(Path(name)) as folder:
        with pytest.raises(OutputError, match=f"{folder} cannot be written: no permission"):
            file_config(folder / "new").check()
        with pytest.raises(OutputError, match=r"hidden cannot be written"):
            file_config(folder / "hidden").check()
        with pytest.raises(OutputError, match=r"all\.jsonl cannot be written: no permission"):
            file_config(folder / "ours", "all.jsonl").check()
        with pytest.raises(OutputError, match=r"2026-11-21\.jsonl cannot be written: no permission"):
            file_config(folder / "ours", "{date}.jsonl").check()
        (folder / "ours/2026-11-22.jsonl").touch()
        assert file_config(folder / "ours", "{date}.jsonl").check()  # the older one is closed, and need not be ours
        with pytest.raises(OutputError, match=r"packed cannot be written: no permission"):
            file_config(folder / "ours", "{stream}/{date}.jsonl").check()
        assert file_config(folder / "ours", "new.jsonl").check()


@contextmanager
def as_nobody(folder: Path) -> Iterator[Path]:
    (folder / "hidden").mkdir(mode=0o700)
    (folder / "ours").mkdir()
    for name in ("all", "2026-11-20", "2026-11-21"):
        (folder / f"ours/{name}.jsonl").touch(mode=0o600)
    (folder / "ours/packed").mkdir()
    (folder / "ours/packed/2026-11-21-000001.jsonl.gz").touch()
    os.chown(folder / "ours", 65534, 65534)
    folder.chmod(0o755)
    os.setresuid(65534, 65534, 0)
    try:
        yield folder
    finally:
        os.setresuid(0, 0, 0)


def test_no_value_leads_out_of_the_folder(tmp_path: Path) -> None:
    template = paths.template(f"{tmp_path}/{{source}}/{{stream}}{{kind}}")
    for source, stream, kind in product(["..", ".", "", "/", "../..", "a/../../b", "a\0b", "a\nb", "{date}"], repeat=3):
        odd = Message(b"", "", source, stream, kind, MIDNIGHT)
        path = Path(template.path(odd))
        assert path == Path(os.path.normpath(path))
        assert path.parent.parent == tmp_path
        assert template.split(str(path))


def test_two_outputs_can_be_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    def destination(path: str) -> Sequence[str]:
        return FileConfig(type="file", path=path, rejects_path=path).destinations()

    assert destination("a/{source}/x.jsonl") == [f"{tmp_path}/a/*/x.jsonl"]
    assert destination("a/{source}/x.jsonl") == destination(f"{tmp_path}/b/..//./a/{{kind}}/x.jsonl")
    assert destination("a/{date}.jsonl") != destination("a/{hour}.jsonl")
    assert len(FileConfig(type="file", path="a.jsonl").destinations()) == 2


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("20KB", 20_000), ("20 kB", 20_000), ("1mb", 10**6), ("1KiB", 1024), ("2gib", 2 << 30), ("7B", 7), (99, 99)],
)
def test_a_size_is_read_in_any_case_of_its_unit(text: str | int, bytes_: int) -> None:
    rotate = FileConfig.model_validate({"type": "file", "path": "x.jsonl", "rotate": {"size": text}}).rotate
    assert rotate is not None
    assert rotate.size == bytes_


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"path": "events/{customer}.jsonl"}, r"\{customer\} is not known here: a path's fields are \{source\}, "),
        ({"path": "events/{date:%Y}.jsonl"}, "is not known here"),
        ({"path": "events/{date.jsonl"}, "a path's fields are"),
        ({"path": "events/{}.jsonl"}, "is not known here"),
        ({"path": ""}, "a path names a file"),
        ({"path": "/"}, "a path names a file"),
        ({"path": "events/"}, "a path names a file"),
        ({"path": "events/.."}, "a path names a file"),
        ({"path": "a\0b"}, "a path names a file"),
        ({"path": "calls.jsonl.gz"}, "compression adds its own"),
        ({"rejects_path": "rejects/{what}.jsonl"}, "is not known here"),
        ({"rotate": {}}, "rotate says when"),
        ({"rotate": {"size": 0}}, "a size is more than zero"),
        ({"rotate": {"size": "64 apples"}}, "such as 64MiB"),
        ({"rotate": {"age": "yesterday"}}, "such as 30s or 72h"),
        ({"rotate": {"lines": 3}}, "Extra inputs"),
        ({"compression": "lz4"}, "'none', 'gzip' or 'zstd'"),
    ],
)
def test_a_wrong_configuration_is_told(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        FileConfig.model_validate({"type": "file", "path": "events.jsonl", **wrong})
