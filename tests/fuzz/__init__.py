"""Mutated documents for whatever reads what is not ours: `python -m tests.fuzz`."""
