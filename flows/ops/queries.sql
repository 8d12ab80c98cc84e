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

-- What flows/payout/schema.sql makes, and what payout does with it. A table of an older version stays when the schema
-- is applied again: so each column is looked for, too.
-- name: payout_lacks
with wanted (name, rights, columns) as (values
    ('job', 'select insert update', 'job_no job_id run_id salt batch_no plan_hash chain_id contract token digest n total'
     ' state booking deadline note reserved_utc changed_utc'),
    ('account', 'select insert update', 'user_id paid in_flight in_flight_job'),
    ('item', 'select insert', 'job_no ord user_id wallet amount'),
    ('tx', 'select insert update', 'tx_hash job_no chain_id signer nonce gas max_fee_wei tip_wei deadline raw live'
     ' signed_utc'),
    ('event', 'select insert update', 'chain_id contract block block_hash tx_hash log_index job_id status n total'
     ' reason seen_utc removed_utc'),
    ('cursor', 'select insert update', 'chain_id contract block block_hash'),
    ('hold', 'select insert update delete', 'user_id reason amount since_utc'),
    ('held_day', 'select insert update', 'day amount'),
    ('poison', 'select insert update delete', 'wallet reason found_utc'),
    ('plan', 'select insert update delete', 'slot hash chain_id contract token policy users waiting n total batches'
     ' made_utc reserved_run'),
    ('plan_batch', 'select insert delete', 'slot batch_no first_ord last_ord n total'),
    ('plan_item', 'select insert', 'slot ord user_id wallet amount paid running'),
    ('plan_item_live', 'truncate', 'slot ord user_id wallet amount paid running'),
    ('plan_item_preview', 'truncate', 'slot ord user_id wallet amount paid running'),
    ('plan_hold', 'select insert', 'slot user_id reason amount'),
    ('plan_hold_live', 'truncate', 'slot user_id reason amount'),
    ('plan_hold_preview', 'truncate', 'slot user_id reason amount'),
    ('journal', 'select insert', 'no at_utc job_id was state booking plan_hash digest n total deadline note previous hash')
), tables as (
    select 'payout.' || name as name, to_regclass('payout.' || name) as oid, rights, columns from wanted
)
select name || ' is not there' as lack from tables where oid is null
union all
select name || '.' || wanted_column || ' is not there' from tables, regexp_split_to_table(columns, ' ') as wanted_column
where oid is not null and not exists (
    select from pg_attribute where attrelid = oid and attname = wanted_column and not attisdropped
)
union all
select 'no right to ' || verb || ' ' || name from tables, regexp_split_to_table(rights, ' ') as verb
where not has_table_privilege(oid, verb)
union all
select 'no right to make temporary tables' where not has_database_privilege(current_database(), 'temporary')
order by lack;
