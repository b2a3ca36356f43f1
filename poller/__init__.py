"""poller polls the list endpoints of vendors and delivers each revision of each record once.

The packages, top layer first; imports run downwards only. `docs/architecture.md` says what belongs in each:

- `cli`: the commands as they are typed. `commands`: what each of them does. `server`: what a running poller answers.
- `config`: `config.yaml` as checked settings. `polling`: the engine, which decides what is asked for next.
- `state`: delivers a page's events and saves the checkpoint, as one.
- `events`: records to messages. `http`: the requests of one source. `sources`: the vendors.
- `plugin`: all that a source is made of.
- `testing`: suites for the tests of packages that bring a source or an output.
- `recording`: the file of `poller record`, and how it replays.
- `telemetry`: metrics and log lines. `sandbox`: the vendors, simulated. Files: `clock`, `errors`, `humanize`, `retry`.

Where events go is the package `outputs`, which knows nothing of poller.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("poller")
except PackageNotFoundError:  # run from a checkout that is not installed
    VERSION = "0"
