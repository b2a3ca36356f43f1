"""The problems of the state's topic, in words, each with the remedy."""

from collections.abc import Sequence
from dataclasses import replace

from outputs.kafka.topics import Topic
from poller.state.kafka import KafkaState


def lost_beside_events(state: KafkaState, held: Sequence[str], *, there: bool) -> str:
    """Say that the state is not there, though these topics hold events."""
    where = "empty" if there else "not there"
    return (
        f"state.topic: {state.topic} is {where}, and {', '.join(held)} holds events: is the state lost, or of another "
        "name? One that was in a file, or another topic, comes here by `poller state export` and `import`. Set "
        "allow_empty: true for one start to begin anew, which delivers again what it finds"
    )


def forgetful(loss: str) -> str:
    """Say what to do about a topic that forgets, or has forgotten."""
    return (
        f"state.topic: {loss}: set cleanup.policy=compact on it, and no retention; if it has lost something, restore "
        "it, or set allow_empty: true for one start to go on with what is left, which delivers again what is missing"
    )


def too_few_partitions(topic: Topic, state: KafkaState, written: int) -> Sequence[str]:
    """Say that the topic has fewer partitions than the state was written in."""
    if topic.partitions >= written:
        return ()
    has = f"topic {topic.name} has {topic.partitions} partitions, and not {written}"
    return [f"state.partitions: {has}: put that number here, or name a topic of another group"]


def surplus_partitions(topic: Topic, state: KafkaState, written: int) -> Sequence[str]:
    """Warn of partitions that the state does not use, and of a number that does not count."""
    found = []
    if topic.partitions > written:
        found.append(
            f"topic {topic.name} has {topic.partitions} partitions, of which the state uses {written}, as from its "
            "beginning on: to use them all, export the state, stop, and import it into a new topic"
        )
    if state.partitions != written:
        found.append(
            f"state.partitions: {state.partitions} is set, and the state was written in {written}: so it stays"
        )
    return found


def settings_at_risk(topic: Topic, brokers: int) -> list[str]:
    """Warn of settings that put the state at risk."""
    policy = topic.settings.get("cleanup.policy", "compact")
    others = {key: value for key, value in topic.settings.items() if key != "cleanup.policy"}
    found = list(replace(topic, settings=others).warnings(brokers))
    if "compact" in policy and "delete" in policy:
        found.append(
            f"topic {topic.name}: cleanup.policy is {policy} and should be compact: what is old is deleted, the state "
            "with it"
        )
    return found
