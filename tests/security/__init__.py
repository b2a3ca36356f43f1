"""What SECURITY.md promises: no secret is shown, none leaves for another origin, nothing hostile does harm."""
