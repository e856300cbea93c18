-- name: present
-- The partitions a table has.
SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = %(table)s::regclass;

-- name: lock
-- One maker of partitions at a time for this table; freed with the transaction.
SELECT pg_advisory_xact_lock(hashtext('nextpick partitions'), hashtext(%(table)s));
