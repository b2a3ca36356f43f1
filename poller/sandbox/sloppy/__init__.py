"""Careless answers of real vendors, changed without meaning anything by it, as kinds that the sandbox can switch on.

A kind changes how an answer is spelt, counted, encoded or dated, never what it says: a client that reads what is meant
delivers the same with it as without. A good answer becomes a `Reply`; the kinds of `lists`, `values` and `times` change
its document, those of `bodies` its bytes and headers. `kinds` lists all of them and applies those that strike.
"""
