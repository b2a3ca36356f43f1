"""The configuration of the output to files (`type: file`)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from pydantic import Field, field_validator

from outputs import Channel, Output, OutputConfig, StreamRef
from outputs.file import paths
from outputs.file.output import FileOutput
from outputs.file.rotation import Compression, Rotate


class FileConfig(OutputConfig):
    """Events and rejects as JSON lines in files, exactly once; files are closed by date, size or age.

    Paths take {source}, {stream}, {kind}, {date} and {hour} (UTC, of `observedtime`). Where there is `rotate` or
    `compression`, a closed file gets a number before its suffix, and is compressed then.
    """

    type: Literal["file"]
    path: str = Field(examples=["events/{source}/{stream}/{date}.jsonl"])
    rejects_path: str = "rejects/{source}/{stream}/{date}.jsonl"
    rotate: Rotate | None = None
    compression: Compression = "none"

    @field_validator("path", "rejects_path")
    @classmethod
    def _normal(cls, text: str) -> str:
        return paths.template(text).text

    def open(self, marks: Mapping[str, bytes], places: Collection[StreamRef] = ()) -> Output:
        """Return the output, to be opened at these marks. Raises OutputError where one of them is no mark of a file."""
        return FileOutput(self._templates(), self.rotate, self.compression, marks)

    def check(self, marks: Mapping[str, bytes] | None = None) -> str:
        """Return a line that says that the files could be written, and stand at these marks (None: nobody knows).

        Raises OutputError; changes nothing on disk.
        """
        for template in self._templates():
            template.check()
            template.check_room()
        if marks is not None:
            FileOutput(self._templates(), self.rotate, self.compression, marks).check()
        return f"{self.path} can be written"

    def destinations(self) -> Sequence[str]:
        """Return what no other output may write to: absolute paths, with * for any source, stream or kind."""
        return sorted({template.destination() for template in self._templates()})

    def channel(self, place: StreamRef, *, reject: bool = False) -> Channel:
        """Return the path of the events, or rejects, of a stream, with its {date} and {hour}."""
        return Channel(self._templates()[reject].of_stream(place))

    def _templates(self) -> tuple[paths.Template, paths.Template]:
        return paths.template(self.path, "path"), paths.template(self.rejects_path, "rejects_path")
