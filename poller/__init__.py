"""poller: polls every stream of every source, and delivers each revision of each record once.

The map, top layer first; imports run downwards:

- `cli` the commands; `demo` the sandbox with a poller beside it; `app` composes and runs; `check` asks, changes
  nothing; `explain` (`reasons`, `asking`) what would be asked next, and why; `keeping` (`exports`, `held`) carries a
  state about
- `opened` the ledger and its outputs; `stored` the state, only to be read; `fleet` which sources this process polls
- `settings` (`document`, `syntax`, `placeholders`, `objections`, `config_schema`) config.yaml, whole and checked;
  `rereading` its secrets, when they change; `source` one source made ready; `server`, `page` what a running poller
  answers; `standing`, `status` where a stream stands; `stopping`
- `pipeline` the loop: who reads the next page; `steps` a page is asked for, transformed, delivered; `rereads` a single
  record; `runs` what is under way; `schedule` who goes first; `passes` what a pass makes true; `vanishing` what a
  snapshot holds no longer; `patience`, `backoff` who waits how long
- `history`, `slices` what is read once, on demand: by `backfill`, over the `control` socket of a poller that runs
- `ledger` delivers and saves as one: `sqlite` on one machine (`opening`, `migrating`), `kafka` among replicas (`group`,
  `shards`, `shard`, `members`; `idle`)
- `http`, `answer`, `auth`, `pace` one source's session
- `sources` the vendors, a file each; `paging`, `descent`, `halving`, `narrowing`, `syncing`, `windows` how lists go on
  and ranges begin; `times`, `phones`, `leaves` how fields are read
- `transform`, `batch`, `seen`, `digests` what is news; `events`, `schema`, `kinds` what it looks like; `coverage` how
  complete
- `telemetry` every metric and log line; `errors`, `model` the nouns; `sandbox` the vendors simulated, vices and all
"""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("poller")
except PackageNotFoundError:  # run from a checkout that is not installed
    VERSION = "0"
