"""Kafka as it comes from Maven Central, 45 MB of jars, and what starts it fast, in a cache outside the repository.

That is `POLLER_TEST_CACHE`, or ~/.cache/poller-tests. Needs java, and mvn once. What runs is what those jars hold:
https://kafka.apache.org/documentation/#quickstart
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

VERSION = "4.3.1"
CACHE = Path(os.environ.get("POLLER_TEST_CACHE") or Path.home() / ".cache/poller-tests")
ARCHIVE = CACHE / f"kafka-{VERSION}.jsa"
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
"""


class NoKafka(Exception):
    """A broker cannot be had on this machine."""


def jars() -> Path:
    """Give the folder with Kafka's jars, fetched if need be. Raises NoKafka."""
    folder = CACHE / f"kafka-{VERSION}"
    if not shutil.which("java"):
        raise NoKafka("java (17 or newer) is not on the PATH")
    if folder.is_dir():
        return folder
    if not shutil.which("mvn"):
        raise NoKafka(f"mvn is not on the PATH, and {folder} is not there")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        Path(work, "pom.xml").write_text(POM.format(VERSION))
        fetch = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=jars"]
        done = subprocess.run(fetch, cwd=work, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoKafka(f"mvn could not fetch Kafka {VERSION}: {done.stdout[-500:]}")
        if not folder.is_dir():  # another worker may have been faster
            Path(work, "jars").rename(folder)
    return folder


def formatted(number: int, words: Sequence[str]) -> Path:
    """Give where an empty data folder of node `number` is kept, or would be, that these words ask for."""
    return CACHE / f"kafka-{VERSION}-node-{number}-{sha256(' '.join(words).encode()).hexdigest()[:12]}"


def keep(folder: Path, kept: Path) -> None:
    """Copy a folder to where others find it."""
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        copy = shutil.copytree(folder, Path(work, "copy"))
        if not kept.is_dir():  # another worker may have been faster
            copy.rename(kept)
