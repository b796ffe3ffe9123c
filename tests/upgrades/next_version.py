"""The version after this one, as upgrades see it: a copy of the sources with one more revision."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import astakos
from astakos.storage.schema.revisions import REVISION

NEXT = "9999"
STEP = '''"""Adds what the next version needs."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None
beside_old_processes = {beside_old_processes}


def upgrade() -> None:
    """Add a table and a column."""
    op.create_table("birds", sa.Column("name", sa.Text, primary_key=True))
    op.add_column("holdings", sa.Column("colour", sa.BigInteger().with_variant(sa.Integer, "sqlite")))
'''


@dataclass(frozen=True)
class NextVersion:
    """Where its sources are."""

    sources: Path

    @property
    def environment(self) -> dict[str, str]:
        """Lets a command be that of this version."""
        return {"PYTHONPATH": str(self.sources)}


def make_next_version(folder: Path, *, beside_old_processes: bool) -> NextVersion:
    """Makes the version after this one; says whether this one can live with its tables."""
    sources = folder / "next"
    package = Path(astakos.__file__).parent
    shutil.copytree(package, sources / "astakos", ignore=shutil.ignore_patterns("__pycache__"))
    schema = sources / "astakos" / "storage" / "schema"
    revisions = schema / "revisions.py"
    text = revisions.read_text()
    assert text.count(f'REVISION = "{REVISION}"') == 1
    revisions.write_text(text.replace(f'REVISION = "{REVISION}"', f'REVISION = "{NEXT}"'))
    step = STEP.format(revision=NEXT, before=REVISION, beside_old_processes=beside_old_processes)
    (schema / "migrations" / "versions" / f"revision_{NEXT}.py").write_text(step)
    return NextVersion(sources)
