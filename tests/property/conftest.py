"""How many examples properties try: few with every test run, many with `make properties`."""

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "default-run",
    deadline=None,  # the machine is shared; a slow example is not a wrong one
    print_blob=True,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
)
settings.register_profile("deep", settings.get_profile("default-run"), max_examples=2_500)
settings.register_profile(  # only whether it fails: for trying what the properties notice
    "mutate", settings.get_profile("default-run"), phases=(Phase.generate,), database=None
)
settings.load_profile(os.environ.get("PLAIT_TESTS_PROFILE", "default-run"))
