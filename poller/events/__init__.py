"""Turn a vendor's records into the messages that outputs deliver.

A page of records comes in, a `Batch` goes out. `transform` takes one record after another: it decodes the record,
compares it with the entry that `seen` holds of its identity (`digest` says what is compared), and drops what is no
news. News becomes a CloudEvent (`cloudevent`), which carries the record as sent (`raw_json`); what cannot be read
becomes a reject (`rejects`). Nothing here does I/O: the state saves a batch's entries with the commit that delivers
its messages, and only then are they put into `seen`.
"""
