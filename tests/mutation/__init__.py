"""Mutation testing: every small change that a tool can make to a module, and the tests that notice it."""
