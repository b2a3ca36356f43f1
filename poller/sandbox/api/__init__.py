"""The parts that the simulated vendors' APIs have in common: queries, ranges of dates, tokens, rate limits."""
