"""The sandbox against what the vendors document."""
