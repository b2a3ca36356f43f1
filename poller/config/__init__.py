"""The configuration: config.yaml and the environment become Settings, or all that is wrong with them."""
