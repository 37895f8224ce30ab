"""The gazetteer: names, units and codes of entries, other names of areas, a stamp of changes.

Revision: 20261125_0230, after 20261125_0210.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_0230"
down_revision = "20261125_0210"
branch_labels = None
depends_on = None

STAMPED = ("gazetteer_entries", "area_aliases", "roads", "stations")

# Once per statement, in the transaction that changes the rows: who sees the rows sees the version.
TOUCH = """
create function touch_gazetteer() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update gazetteer_state set version = version + 1;
    return null;
end
$$
"""


def upgrade() -> None:
    """Add the columns, the tables and the stamp."""
    op.execute("set local lock_timeout = '5s'")
    _entries()
    _aliases()
    op.create_table(
        "gazetteer_state",
        sa.Column("one_row", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("one_row", name=op.f("ck_gazetteer_state_one_row")),
        sa.PrimaryKeyConstraint("one_row", name=op.f("pk_gazetteer_state")),
        comment="One row: its version grows with every change of what addresses are read by.",
    )
    op.execute("insert into gazetteer_state default values")
    op.execute(TOUCH)
    op.execute("revoke execute on function touch_gazetteer() from public")
    for table in STAMPED:
        op.execute(
            f"create trigger touch_gazetteer after insert or update or delete or truncate "
            f"on {table} for each statement execute function touch_gazetteer()"
        )
    for table, rights in (
        ("area_aliases", "select, insert, update, delete"),
        ("gazetteer_state", "select"),
    ):
        op.execute(f"revoke all on {table} from gridward_app")
        op.execute(f"grant {rights} on {table} to gridward_app")
    op.execute("grant usage, select on sequence area_aliases_id_seq to gridward_app")


def _entries() -> None:
    table = "gazetteer_entries"
    op.add_column(
        table,
        sa.Column(
            "code",
            sa.Text(),
            nullable=True,
            comment="of the source: the same one again overwrites the row",
        ),
    )
    op.add_column(
        table,
        sa.Column(
            "name", sa.Text(), nullable=True, comment="of a landmark, shop, station or hamlet"
        ),
    )
    op.add_column(
        table,
        sa.Column(
            "unit", sa.Text(), nullable=True, comment="unit of a building, where it is listed"
        ),
    )
    op.create_unique_constraint(op.f("uq_gazetteer_entries_source_code"), table, ["source", "code"])
    op.create_check_constraint(
        op.f("ck_gazetteer_entries_uncertainty_m"), table, "uncertainty_m > 0"
    )
    # Until now the name of what is no door stood first among the aliases.
    op.execute(
        "update gazetteer_entries set name = aliases[1] "
        "where kind in ('landmark', 'shop', 'station', 'village') and cardinality(aliases) > 0"
    )


def _aliases() -> None:
    op.create_table(
        "area_aliases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("alias <> ''", name=op.f("ck_area_aliases_alias")),
        sa.CheckConstraint(
            "kind in ('alias', 'old_name', 'short', 'learned')", name=op.f("ck_area_aliases_kind")
        ),
        sa.ForeignKeyConstraint(
            ["area_code"], ["areas.code"], name=op.f("fk_area_aliases_area_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_aliases")),
        sa.UniqueConstraint("area_code", "alias", name=op.f("uq_area_aliases_area_code_alias")),
        comment="Other names of areas: what people say, and what they were called.",
    )


def downgrade() -> None:
    """Take it back."""
    op.execute("set local lock_timeout = '5s'")
    for table in STAMPED:
        op.execute(f"drop trigger touch_gazetteer on {table}")
    op.execute("drop function touch_gazetteer()")
    op.drop_table("gazetteer_state")
    op.drop_table("area_aliases")
    op.drop_constraint(
        op.f("ck_gazetteer_entries_uncertainty_m"), "gazetteer_entries", type_="check"
    )
    op.drop_constraint(op.f("uq_gazetteer_entries_source_code"), "gazetteer_entries")
    for column in ("unit", "name", "code"):
        op.drop_column("gazetteer_entries", column)
