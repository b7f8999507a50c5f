"""How well duplicates are found in sets whose true pairs are known."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from tests.metadata.chinese_companies import FIELDS, make_companies
from tests.metadata.matching import found_pairs, measure, rule_of, true_pairs

PERSON = {
    "given_name": "name_part",
    "surname": "name_part",
    "street_number": "category",
    "address_1": "address",
    "address_2": "address",
    "suburb": "place",
    "postcode": "place",
    "state": "category",
    "date_of_birth": "date",
    "soc_sec_id": "code",
}
"""One rule for persons: what the fields are, and nothing fitted to a set."""


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_febrl(worlds: Path, number: int) -> None:
    records: dict[str, dict[str, str]] = {}
    groups = defaultdict(list)
    for file in sorted(worlds.glob(f"febrl/dataset{number}*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, skipinitialspace=True):
                records[row["rec_id"]] = row
                groups[row["rec_id"].split("-")[1]].append(row["rec_id"])
    true = true_pairs(groups.values())
    assert measure(found_pairs(rule_of(PERSON), records), true).f1 >= 0.95


def test_febrl_3_without_the_number_that_identifies(worlds: Path) -> None:
    """The score does not hang on one field."""
    with (worlds / "febrl" / "dataset3.csv").open(encoding="utf-8", newline="") as lines:
        records = {row["rec_id"]: row for row in csv.DictReader(lines, skipinitialspace=True)}
    groups = defaultdict(list)
    for key in records:
        groups[key.split("-")[1]].append(key)
    rest = {name: kind for name, kind in PERSON.items() if name != "soc_sec_id"}
    found = measure(found_pairs(rule_of(rest), records), true_pairs(groups.values()))
    assert (found.precision, found.recall) >= (0.99, 0.85)


@pytest.mark.parametrize("seed", [1, 2])
def test_chinese_companies(seed: int) -> None:
    records, groups = make_companies(seed, 1_000)
    found = measure(found_pairs(rule_of(FIELDS), records), true_pairs(groups))
    assert found.f1 >= 0.93
