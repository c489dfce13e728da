"""Figures: each file answers one question, as ratios measured side by side in one run."""

import logging

# What is measured is not what a log handler costs, and nobody reads a million lines.
for _name in ("httpx_retry", "httpx_retries", "stamina", "backoff", "httpx"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)
