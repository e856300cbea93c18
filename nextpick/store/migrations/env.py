"""What Alembic runs: the migrations on the connection that `nextpick.store.migrate` opened."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema="nextpick",
    transactional_ddl=True,
)
context.run_migrations()
