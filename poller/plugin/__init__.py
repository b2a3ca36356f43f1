"""What a source is made of: streams, sweeps, credentials, configuration types, pagination, readers of fields."""
