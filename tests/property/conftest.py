"""How many examples properties try: few with every test run, many with `make proof`."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "default-run",
    deadline=None,  # the machine is shared; a slow example is not a wrong one
    print_blob=True,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
)
settings.register_profile("deep", settings.get_profile("default-run"), max_examples=5_000)
settings.load_profile(os.environ.get("PLAIT_TESTS_PROFILE", "default-run"))
