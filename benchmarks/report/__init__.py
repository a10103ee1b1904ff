"""The kept results as tables and plots."""
