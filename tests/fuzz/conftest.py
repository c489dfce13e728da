"""How long to look: as ever, or with `--hypothesis-profile=fuzz`, which `make fuzz` sets."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fuzz", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
