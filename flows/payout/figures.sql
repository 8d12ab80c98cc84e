-- What one run made, by how it is booked now.
-- name: run_jobs
select booking, count(*) as jobs, sum(n) as players, sum(total) as total
from payout.job where run_id = :run_id group by booking;

-- Every open job of the target.
-- name: open_jobs
select state, count(*) as jobs, sum(n) as players, sum(total) as total, min(reserved_utc) as oldest_utc
from payout.job
where booking = 'open' and chain_id = :chain_id and contract = :contract
group by state order by min(job_no);

-- Two weeks, a row for each day: what was paid on it, and what was in flight at its end, from the journal, which has each
-- step with its time; and what was held by its last plan, null for a day without one.
-- name: course
with day as (
    select cast(generate_series(today - 13, today, interval '1 day') as date) as day
    from cast(now() at time zone 'UTC' as date) as today
), step as (
    select cast(at_utc at time zone 'UTC' as date) as day, was, booking, total, note from payout.journal
    -- Not what changes after it: a closed job that is put in quarantine.
    where was is null or (booking <> 'open' and was not in ('settled', 'released'))
)
select day,
       coalesce((select sum(total) from step where step.day = day.day and booking = 'paid'), 0) as paid,
       coalesce((
           select sum(case when was is null then total else -total end) from step where step.day <= day.day
       ), 0) as in_flight,
       held_day.amount as held
from day left join payout.held_day using (day) order by day;

-- name: held
select reason, count(*) as players, coalesce(sum(amount), 0) as total, min(since_utc) as oldest_utc
from payout.hold group by reason order by count(*) desc;

-- The target's jobs beside its events: paid ≤ on chain ≤ paid + in flight.
-- name: sums
select coalesce(sum(total) filter (where booking = 'paid'), 0) as paid,
       coalesce(sum(total) filter (where booking = 'open'), 0) as in_flight,
       (select coalesce(sum(total), 0) from payout.event
        where chain_id = :chain_id and contract = :contract and status = 2 and removed_utc is null) as on_chain
from payout.job where chain_id = :chain_id and contract = :contract;

-- name: orphans
select count(distinct event.job_id) as jobs, min('0x' || encode(event.job_id, 'hex')) as first
from payout.event left join payout.job using (job_id, chain_id, contract)
where job_no is null and chain_id = :chain_id and contract = :contract and removed_utc is null;

-- name: closed_jobs
select job_id, booking, n, total, digest from payout.job
where booking <> 'open' and chain_id = :chain_id and contract = :contract order by job_no;

-- name: first_payload
select string_agg(payout.word(wallet, amount), '' order by ord)
from payout.plan_item as item join payout.plan_batch as batch on batch.slot = item.slot
where item.slot = :slot and batch_no = 1 and ord between first_ord and last_ord;
