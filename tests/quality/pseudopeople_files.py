"""Files of the pseudopeople package as CSV; `make quality` runs this in an environment of its own.

`python pseudopeople_files.py FOLDER`: for every seed and noise a folder with one file a form. The
package pins other libraries than the product, so nothing of the product is imported here.
"""

import sys
from pathlib import Path
from typing import Any

import pseudopeople

SEEDS = (0, 1, 2)
NOISES = {"default": 1.0, "doubled": 2.0}
_PROBABILITIES = ("cell_probability", "row_probability")
_YEAR = 2020
# Surveys of one year hold some dozens of people in the package's sample: take all years.
_FORMS = {
    "census": (pseudopeople.generate_decennial_census, _YEAR),
    "acs": (pseudopeople.generate_american_community_survey, None),
    "wic": (pseudopeople.generate_women_infants_and_children, None),
    "w2": (pseudopeople.generate_taxes_w2_and_1099, _YEAR),
    "1040": (pseudopeople.generate_taxes_1040, _YEAR),
    "ssa": (pseudopeople.generate_social_security, _YEAR),
}


def noisier(config: Any, factor: float) -> Any:  # noqa: ANN401 - a tree of the package's own
    """The same configuration with every probability of an error multiplied."""
    if not isinstance(config, dict):
        return config
    return {
        name: min(1.0, value * factor)
        if name in _PROBABILITIES and isinstance(value, float)
        else noisier(value, factor)
        for name, value in config.items()
    }


def write_all(folder: Path) -> None:
    plain = pseudopeople.get_config()
    for noise, factor in NOISES.items():
        config = noisier(plain, factor)
        for seed in SEEDS:
            place = folder / f"{noise}-{seed}"
            place.mkdir(parents=True, exist_ok=True)
            for form, (generate, year) in _FORMS.items():
                table = generate(seed=seed, config=config, year=year)
                table.to_csv(place / f"{form}.csv", index=False)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
