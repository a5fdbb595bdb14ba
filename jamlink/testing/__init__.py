"""Shipped fakes and checkers: what the tests of jamlink, and of what is built on it, stand on."""
