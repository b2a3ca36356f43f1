"""The suites that plug-ins inherit: what they let pass, and what not."""
