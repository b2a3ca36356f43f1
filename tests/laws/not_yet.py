"""The kinds of the table of sloppy answers that do not hold yet; none is left."""

from collections.abc import Mapping

NOT_YET: Mapping[str, tuple[str, str]] = {}
"""For each kind, the vendors, separated by spaces, and the reason. An entry that holds fails the table's test."""
