"""What does not hold yet of the table of sloppy answers: kinds and vendors, each with its reason; to be emptied."""

from collections.abc import Mapping

NOT_YET: Mapping[str, tuple[str, str]] = {
    "stamps_with_zero_offset": ("agendize callcap", "a local time and the same with its offset are two to it"),
    "stamps_with_other_offset": ("agendize callcap", "a local time and the same with its offset are two to it"),
    "stamps_with_utc_word": ("agendize callcap", "a local time and the same with its offset are two to it"),
    "stamps_without_colon": ("agendize callcap", "a local time and the same with its offset are two to it"),
    "zone_alias": ("agendize", "two names of a zone are two to it"),
    "windows_zone": ("agendize", "two names of a zone are two to it"),
    "another_spelling": ("agendize callcap", "a local time and the same with its offset are two to it"),
}
"""Of each kind: the vendors, and why."""
