"""Recordings of what a vendor was asked and answered: their file, how personal details are masked, how they replay."""
