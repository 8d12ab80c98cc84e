-- The game's database; the misspelling is real.
-- name: fetch_accounts
select public_address as username from pop.user where satisified_requirement = 'MARKETING_USER';

-- Ours from here on.
-- name: fetch_history
select account, last_served_utc from pop.account;

-- name: fetch_refused
select account from (
    select distinct on (account) account, outcome from pop.attempt
    where business_date >= cast(:business_date as date) - 3
    order by account, started_utc desc
) as latest
where outcome = 'refused';

-- Attempts as five arrays of one length: one statement, whatever their number.
-- name: record
with fresh as (
    insert into pop.attempt (business_date, account, started_utc, outcome, reason)
    select :business_date, attempt.*
    from unnest(cast(:accounts as text[]), cast(:started_utc as timestamptz[]),
                cast(:outcomes as text[]), cast(:reasons as text[])) as attempt
    on conflict do nothing
    returning account, started_utc, outcome
)
insert into pop.account (account, last_served_utc)
select account, max(started_utc) from fresh where outcome in ('served', 'exhausted') group by account
on conflict (account) do update
set last_served_utc = greatest(account.last_served_utc, excluded.last_served_utc);

-- name: fetch_bins
select date_bin(:width, started_utc, :start_utc) as start_utc,
       count(*) filter (where outcome in ('served', 'exhausted')) as served,
       count(*) filter (where outcome = 'overwhelmed') as rejected,
       count(*) filter (where outcome in ('bad reply', 'refused')) as failed,
       extract(epoch from min(gap))::float as smallest_gap_s,
       extract(epoch from max(gap))::float as largest_gap_s
from (
    select started_utc, outcome, started_utc - lag(started_utc) over (order by started_utc) as gap
    from pop.attempt
    where business_date = :business_date and started_utc >= :start_utc
) as attempt
group by 1 order by 1;

-- name: fetch_reasons
select outcome, reason, count(*) as attempts
from pop.attempt
where business_date = :business_date and reason <> ''
group by 1, 2 order by 3 desc, 1, 2 limit 20;

-- name: forget
delete from pop.attempt where business_date < cast(:business_date as date) - 35;
