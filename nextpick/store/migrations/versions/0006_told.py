"""What people know to have drifted."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the .sql beside this file."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())
