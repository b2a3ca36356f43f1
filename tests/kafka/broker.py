"""A node of a real Apache Kafka for tests: KRaft, loopback only, one listener for each way of logging in.

Needs java (17 or newer) and what `tests.kafka.jars` fetches.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.kafka.jars import ARCHIVE, formatted, jars, keep
from tests.kafka.tickets import CERTIFICATE, PASSWORDS, Tickets, token

LISTENERS = ("PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL", "SSL")
JAVA = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
IDLE = {
    "num.network.threads": 1,
    "num.io.threads": 2,
    "background.threads": 1,
    "metadata.max.idle.interval.ms": 0,
}
"""A broker costs a twentieth of a processor where nobody asks it anything."""
MODULES = {
    "plain": "plain.PlainLoginModule required " + " ".join(f'user_{who}="{word}"' for who, word in PASSWORDS.items()),
    "scram-sha-256": "scram.ScramLoginModule required",
    "scram-sha-512": "scram.ScramLoginModule required",
    "oauthbearer": 'oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker"',
}


class Broker:
    """One node below `folder`; `at` maps each of LISTENERS to its host:port. It keeps its data when it is killed.

    With a `proxy` (host:port) it has a listener PROXIED besides, and who comes in there is told to go to the proxy.
    It is alone, or one of those that `voters` names by the host:port of their controllers: the one of its `number`.
    """

    def __init__(
        self, folder: Path, proxy: str | None = None, number: int = 0, voters: Sequence[str] = (), **changes: object
    ) -> None:
        self.folder, self._number = folder, number
        self.tickets = Tickets(folder / "tickets")
        names = (*LISTENERS, *(("PROXIED",) if proxy else ()))
        self._voters = voters or [f"127.0.0.1:{port}" for port in free_ports(1)]
        ports = free_ports(len(names))
        self.at = {name: f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)}
        self._proxy, self._changes = proxy, changes
        self._command = ["java", *JAVA, "-cp", f"{jars()}/*"]
        self._properties = folder / "server.properties"
        self.move(self.at)
        self._process: subprocess.Popen[bytes] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to talk to it."""
        return {**self.__dict__, "_process": None}

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def move(self, at: Mapping[str, str]) -> None:
        """Listen there from its next start on, where `at` names a listener."""
        self.at = {**self.at, **at}
        self._told = self.at | ({"PROXIED": self._proxy} if self._proxy else {})
        lines = self._configuration() | {key.replace("_", "."): value for key, value in self._changes.items()}
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))

    def empty(self) -> None:
        """Lose all that it holds; it must not run."""
        shutil.rmtree(self.folder / "data")

    def _configuration(self) -> dict[str, object]:
        sasl = {
            f"listener.name.{listener}.{name}.sasl.jaas.config": f"org.apache.kafka.common.security.{module};"
            for listener in ("sasl_plaintext", "sasl_ssl")
            for name, module in MODULES.items()
        }
        listeners = {**self.at, "CONTROLLER": self._voters[self._number]}
        return {
            "process.roles": "broker,controller",
            "node.id": self._number,
            "log.dirs": self.folder / "data",
            "controller.quorum.voters": ",".join(f"{number}@{at}" for number, at in enumerate(self._voters)),
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join(f"{name}://{at}" for name, at in listeners.items()),
            "advertised.listeners": ",".join(f"{name}://{at}" for name, at in self._told.items()),
            "listener.security.protocol.map": ",".join(f"{name}:{name}" for name in LISTENERS)
            + ",CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT",
            "sasl.enabled.mechanisms": ",".join(MODULES).upper(),
            **sasl,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.tickets.broker,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.tickets.trusted,
            "listener.name.ssl.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^.*CN=([a-z]+).*$/$1/,DEFAULT",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:ANONYMOUS;User:alice;User:{CERTIFICATE}",
            "auto.create.topics.enable": "true",  # the trap: what asks for a topic makes it
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            "log.cleaner.dedupe.buffer.size": 16 << 20,
            "log.cleaner.backoff.ms": 200,
            "log.retention.ms": -1,  # it goes by the time of the records, and many a test lives in the past
            "broker.session.timeout.ms": 3000,  # after a kill, the node comes back no sooner
            "broker.heartbeat.interval.ms": 500,
            **IDLE,
        }

    def start(self) -> None:
        """Start it, if it does not run; return once it answers."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it, if it does not run."""
        if self._process and self._process.poll() is None:
            return
        with (self.folder / "log").open("ab") as log:
            if not (self.folder / "data").exists():
                self._format(log)
            if not ARCHIVE.exists():
                self._archive(log)
            self._run(f"-XX:SharedArchiveFile={ARCHIVE}", log)

    def _run(self, option: str, log: IO[bytes]) -> None:
        start = [*self._command, option, "kafka.Kafka", str(self._properties)]
        self._process = subprocess.Popen(start, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _archive(self, log: IO[bytes]) -> None:
        """Keep what Java has read of its classes: a start costs half of what it does without (JEP 350)."""
        with tempfile.TemporaryDirectory(dir=ARCHIVE.parent) as work:
            made = Path(work, "made")
            self._run(f"-XX:ArchiveClassesAtExit={made}", log)
            self.wait()
            self.stop()
            made.touch()  # this Java makes none, and does not mind an empty one
            made.rename(ARCHIVE)

    def _format(self, log: IO[bytes]) -> None:
        """Make an empty data folder, or copy what another made: Kafka's own tool takes two seconds of a processor."""
        words = [f"SCRAM-SHA-{n}=[name={w},password={p}]" for n in (256, 512) for w, p in PASSWORDS.items()]
        scram = [part for word in words for part in ("--add-scram", word)]
        tool = ["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", *scram, "-c"]
        data, kept = self.folder / "data", formatted(self._number, tool)
        if kept.is_dir():
            shutil.copytree(kept, data)
            return
        subprocess.run([*self._command, *tool, self._properties], stdout=log, stderr=log, check=True)
        keep(data, kept)

    def wait(self) -> None:
        """Return once it answers."""
        assert self._process
        end = time.monotonic() + 60
        while not answers(self.at["PLAINTEXT"]):
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < end, f"no answer in 60 s: {(self.folder / 'log').read_text()[-2000:]}"
            time.sleep(0.05)

    def login(self, protocol: str, mechanism: str, who: str) -> dict[str, Any]:
        """Give the keys of the configuration with which somebody comes in this way."""
        keys: dict[str, Any] = {"bootstrap_servers": self.at[protocol], "security_protocol": protocol}
        if protocol.endswith("SSL"):
            keys["ca_file"] = self.tickets.authority
        if protocol == "SSL":
            return keys | {"cert_file": self.tickets.client}
        if mechanism == "OAUTHBEARER":
            return keys | {"sasl_mechanism": mechanism, "sasl_token": token(who)}
        return keys | {"sasl_mechanism": mechanism, "sasl_username": who, "sasl_password": PASSWORDS[who]}

    def kill(self) -> None:
        self.send(signal.SIGKILL)

    def stop(self) -> None:
        """End it, whatever it does; what was killed is stopped already."""
        if self._process:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Signal it; wait until it is gone, or stands still, if that is what the signal asks for."""
        assert self._process
        self._process.send_signal(number)
        if number is signal.SIGSTOP:
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if number in {signal.SIGKILL, signal.SIGTERM}:
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def free_ports(count: int) -> Sequence[int]:
    """Find ports that nobody listens on."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def answers(at: str) -> bool:
    """Tell whether a broker is ready: it names itself in its answer to a Metadata request (key 3, version 1)."""
    host, _, port = at.partition(":")
    try:
        with socket.create_connection((host, int(port)), 2) as wire:
            wire.sendall(bytes.fromhex("0000000e 0003 0001 00000001 ffff 00000000"))
            answer = wire.recv(4096)
    except OSError:
        return False
    return len(answer) >= 12 and int.from_bytes(answer[8:12], "big") > 0
