"""What to change in a description where an assumption about its list fails: remedies that name the key."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec import Raw

from poller.plugin import probes
from poller.sources.rest import settings
from poller.sources.rest.lists import List
from poller.sources.rest.records import time_reader
from poller.sources.rest.request import texts
from poller.sources.rest.streams import Description

_FORMS = ("{start}", "{start:epoch_s}", "{start:epoch_ms}", "{start:%Y-%m-%d}")
_SORTS = re.compile("sort|order", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Remedies:
    """The remedies for a list, as the sweep of this name asks for it."""

    description: Description
    sweep: str
    listed: List

    @property
    def filter(self) -> probes.FilterWords:
        """What is known of the filter, and what to change about it."""
        field, start, end = self.listed.window_field, self.key("{start"), self.key("{end")
        by = field or self.description.stream.modified or self.description.stream.time or "its time"
        sent, others = self._sent("{start"), ", ".join(form for form in _FORMS if form != self._sent("{start"))
        window_field = self._key("window_field")
        goes_by = f"filters by {by} ({window_field})" if field else f"filters by {by}"
        return probes.FilterWords(
            by=by,
            is_said=field is not None,
            others=self._other_times(by),
            ignored=f"see whether {start} is the vendor's own name of the filter, and {sent} the form that it takes "
            f"(others are {others})",
            start=f"see whether {start} {goes_by}; where rows are off by hours, it takes days only "
            "({start:%Y-%m-%d}), or reads another zone (`timezone`)",
            end=f"see whether {end} is the vendor's own name of the upper bound, and {goes_by} as {start} has to",
            elsewhere=f"edits of older records are not listed: have {start} filter by {by} if the vendor can, else set "
            f"{window_field} to what it filters by, and have `audit` read the whole list (docs/rest.md, Sweeps)",
            missing=f"see whether {start} {goes_by}, and takes {sent}; what is missed by hours is read in another zone "
            "(`timezone`)",
            meanwhile="a run refuses what comes" if field else "each poll reads the whole list",
        )

    @property
    def bounds(self) -> str:
        """What to change where the edges of a range are missed."""
        key = f"streams.{self.description.name}.sweeps.{self.sweep}.lookback"
        hours = "where that is hours, the zone is wrong: see `timezone`"
        return f"where filter-obeyed fails, see to that first; else raise {key} by what is missing; {hours}"

    @property
    def pages(self) -> str:
        """What to change where the second page is not another one."""
        paging = self.listed.paging
        following = f"{self._key('paging')}.next leads to the next page"
        if paging.place is None:
            return f"see whether {following}"
        name = f"{self.key(f'{{{paging.place}}}')} is the vendor's own name of the place"
        return f"see whether {name}{f', and {following}' if paging.linked else ''}"

    @property
    def total(self) -> str:
        """What to change where a list is not as long as it says."""
        return (
            f"see whether {self._key('paging')}.total is the number of all records; where it is not, leave it out "
            "(docs/rest.md, The answer): until then expect gaps"
        )

    @property
    def time(self) -> str:
        """What to change where times cannot be read, or lie in the future."""
        of = f"{self._key('time')} ({self.description.stream.time})"
        return f"see whether {of} is the record's own time; where it has no zone, set `timezone` to that of its clocks"

    @property
    def identity(self) -> str:
        """What to change where identities are missing, or come twice."""
        return f"see whether {self._key('identity')} ({self.description.stream.identity}) names each record"

    @property
    def order(self) -> str:
        """What to change where a list does not come newest first."""
        names = [name for name in self.listed.request.params if _SORTS.search(name)]
        keys = " and ".join(self._param(name) for name in names) or self._key("params")
        by = f"{self.listed.window_field} ({self._key('window_field')})"
        return f"have {keys} ask for the newest first by {by}; until then each poll reads the whole list"

    def key(self, placeholder: str) -> str:
        """Return the key of what is asked by a placeholder, of which this is the beginning."""
        asked = (name for name, value in self.listed.request.params.items() if placeholder in "".join(texts(value)))
        found = next(asked, None)
        return self._key("body") if found is None else self._param(found)

    def _sent(self, placeholder: str) -> str:
        request = self.listed.request
        whole = " ".join(texts([dict(request.params), request.body]))
        return "".join(re.findall(re.escape(placeholder) + r"(?::[^{}]*)?\}", whole)[:1])

    def _param(self, name: str) -> str:
        return f"{self._key('params', name)}.{name}"

    def _key(self, key: str, name: str | None = None) -> str:
        """Return a key of the stream, or of the sweep where that has its own."""
        sweep = self.description.sweeps.get(self.sweep, settings.Sweep())
        own = key in sweep.model_fields_set and (name is None or name in sweep.params)
        return f"streams.{self.description.name}.{f'sweeps.{self.sweep}.' if own else ''}{key}"

    def _other_times(self, by: str) -> Mapping[str, Callable[[Raw], datetime | None]]:
        stream, zone = self.description.stream, self.description.zone
        return {path: time_reader(path, zone) for path in (stream.time, stream.modified) if path and path != by}
