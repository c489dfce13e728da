"""Understand: what HTTP, httpx, httpcore and h2 say."""
