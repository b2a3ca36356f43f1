"""The laws of delivery, and the tests that hold them whatever fails."""
