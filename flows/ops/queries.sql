-- name: epoch
select extract(epoch from clock_timestamp())::float;

-- Reading no row at all still needs the schema, the table, the columns and the right.
-- name: read_users
select public_address, satisified_requirement from pop.user limit 0;

-- name: may_write
select has_table_privilege(cast(:name as text), 'delete, truncate')
    or has_any_column_privilege(cast(:name as text), 'insert, update');

-- name: ledgers_missing
select name from unnest(array['metronome.duty', 'pop.account', 'pop.attempt']) as name
where to_regclass(name) is null;

-- name: ledgers_not_ours
select name from unnest(array['metronome.duty', 'pop.account', 'pop.attempt']) as name
where not (has_table_privilege(name, 'select') and has_table_privilege(name, 'insert')
           and has_table_privilege(name, 'update'));
