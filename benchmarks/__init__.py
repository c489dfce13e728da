"""Figures: each file answers one question, as ratios measured side by side in one run."""

import logging

# What is measured is not what a log handler costs, and nobody reads a million lines.
logging.getLogger("httpx_retry").setLevel(logging.CRITICAL)
