"""The table of contents of the outputs that are built in. Packages bring others: see `outputs.OutputConfig`."""

from pydantic import BaseModel

from outputs import OutputConfig
from outputs.file import FileConfig
from outputs.kafka import KafkaConfig
from outputs.kafka.connection import LOGIN, Cluster
from outputs.stdout import StdoutConfig

OUTPUTS: tuple[type[OutputConfig], ...] = (StdoutConfig, FileConfig, KafkaConfig)


def renew_login(in_use: BaseModel, was: BaseModel, now: BaseModel) -> bool:
    """Let a configuration that is in use log in as `now` says, if that differs from `was` by its login only.

    Returns False where anything else differs, or where nobody logs in.
    """
    if not isinstance(in_use, Cluster) or not isinstance(now, Cluster) or _but_login(was) != _but_login(now):
        return False
    in_use.renew(now)
    return True


def _but_login(config: BaseModel) -> dict[str, object]:
    return {name: value for name, value in config if name not in LOGIN}
