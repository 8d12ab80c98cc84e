-- The key of a process's lock. A session holds it until it ends, however it ends.
-- name: try_lock
select pg_try_advisory_lock(hashtextextended('metronome:' || :process, 0));

-- name: take_up
insert into metronome.duty as duty (process, business_date, flow_run_id, started_utc, heartbeat_utc)
values (:process, :business_date, :flow_run_id, now(), now())
on conflict (process, business_date) do update
set flow_run_id = excluded.flow_run_id, heartbeat_utc = now(), taken_up = duty.taken_up + 1;

-- name: beat
update metronome.duty set heartbeat_utc = now()
where process = :process and business_date = :business_date;

-- name: finish
update metronome.duty set heartbeat_utc = now(), finished_utc = now()
where process = :process and business_date = :business_date;

-- name: read
select flow_run_id, finished_utc is not null as finished, taken_up,
       extract(epoch from now() - heartbeat_utc)::float as silent_s
from metronome.duty
where process = :process and business_date = :business_date;

-- name: is_held
select exists (
    select from pg_locks, hashtextextended('metronome:' || :process, 0) as lock_key
    where locktype = 'advisory' and granted and objsubid = 1
      and database = (select oid from pg_database where datname = current_database())
      and classid::bigint = (lock_key >> 32) & 4294967295
      and objid::bigint = lock_key & 4294967295
);
