"""The state: everything that poller remembers, delivered and saved as one.

A page of a vendor's list becomes a batch of messages and a new checkpoint. The ledger (`ledger`) hands the batch to the
outputs (`delivery`) and saves the checkpoint, so that after a crash either both hold or neither. `sqlite` and `kafka`
are the two places where a state lies; both keep the same rows (`rows`). `open` opens a state as the configuration says,
`reader` only looks at one, `offline` and `export` are for the operator while no poller runs.
"""
