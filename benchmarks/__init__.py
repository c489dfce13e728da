"""Figures: each file answers one question, as ratios measured side by side in one run."""
