"""How the state topic is made."""

SETTINGS = {
    "cleanup.policy": "compact",
    "segment.ms": "3600000",  # the segment that is written to is never compacted: by default it lasts a week
    "segment.bytes": str(64 << 20),
    "min.cleanable.dirty.ratio": "0.1",
    "max.compaction.lag.ms": "21600000",
    "delete.retention.ms": "86400000",
    "max.message.bytes": str(4 << 20),
}
"""See https://kafka.apache.org/documentation/#topicconfigs"""
