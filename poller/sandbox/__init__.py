"""Simulated vendors over HTTP: one seeded world of calls and leads, served as they document it, vices included."""
