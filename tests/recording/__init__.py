"""Recordings: what is kept, how it is masked, how it replays."""
