"""What was compared of ipSCAPE's records before their fields had types: of records as they were sent.

Never change this: entries of seen are compared by it once, and do not become news by an upgrade.
"""

from typing import Any

from msgspec.structs import replace

from poller.sources.ipscape import calls, leads
from poller.sources.ipscape.fields import instant, instants


def activity_contents(record: Any) -> Any:
    """Return the activity as it was compared."""
    if not isinstance(record, calls.Call):
        return calls.activity_contents(record)
    doing = calls.doing_of(record)
    survey = doing.survey
    if isinstance(survey, calls.Survey):
        survey = replace(survey, startTimestamp=instant(survey.startTimestamp))
    voicemails = calls.voicemails(doing)
    doing = replace(doing, timestamps=instants(doing.timestamps), survey=survey, voicemailMetadata=voicemails)
    return replace(record, data=doing)


def lead_contents(record: Any) -> Any:
    """Return the lead as it was compared."""
    content = leads.lead_contents(record)
    return replace(content, timestamps=instants(content.timestamps))


def contents(record: Any) -> Any:
    """Return the dial attempt, or the list of leads, as it was compared."""
    return replace(record, timestamps=instants(record.timestamps))
