-- What an auditor asks of the databases; the run itself is built in statements.py. Every statement is Oracle's
-- SQL (12.1 or later) and, with STANDARD_HASH and DUAL defined, PostgreSQL's. Schemas by their default names: the
-- flow distribution-verify, which asks what is named verify_*, puts those of its Block in their place.

-- name: audit
-- In DSSB. Derives anew who belongs where on one day, from nothing but the rows of the day and what the ledger
-- says of it, and counts by theory what was written against what is derived. All is well when the two ids of
-- every row are equal. No user is named unless is_listed is 1, and then only those that disagree.
--   seed, insert_datetime  of the day, from the ledger
--   campaign_ids           all campaigns of the day without their groups, in order, with commas between
--   remainder              last, rotate or all_to_last
--   day_ordinal            days since 0001-01-01, which is day 1, and only rotate minds it
with digit as (
    select 0 as n from dual union all select 1 from dual union all select 2 from dual union all
    select 3 from dual union all select 4 from dual union all select 5 from dual union all
    select 6 from dual union all select 7 from dual union all select 8 from dual union all select 9 from dual
),
ordinal as (
    select hundreds.n * 100 + tens.n * 10 + ones.n as place
    from digit hundreds cross join digit tens cross join digit ones
),
named as (
    select place, regexp_substr(:campaign_ids, '[^,]+', 1, place + 1) as id from ordinal
),
written as (
    select rtrim(iin) as iin, rtrim(theory_id) as theory_id from dssb_app.sc_local_control
    where insert_datetime = :insert_datetime
    union all
    select rtrim(iin) as iin, rtrim(theory_id) as theory_id from dssb_app.sc_local_target
    where insert_datetime = :insert_datetime
),
ranked as (
    select iin, theory_id,
           row_number() over (order by standard_hash(:seed || iin, 'SHA256'), iin) as place
    from written
),
total as (
    select count(*) as users, mod(:day_ordinal * 2654435769, 4294967296) as campaigns_angle,
           mod(:day_ordinal * 1779033704, 4294967296) * 5 as groups_angle
    from written
),
campaign as (
    select named.id, named.place, count(*) over () as parts, total.users,
           total.campaigns_angle * count(*) over () as angle
    from named cross join total where named.id is not null
),
campaign_share as (
    select id, place, parts, (users - mod(users, parts)) / parts as base, mod(users, parts) as spare,
           (angle - mod(angle, 4294967296)) / 4294967296 as turn
    from campaign
),
campaign_size as (
    select id, place,
           base + case
               when :remainder = 'last' and place >= parts - spare then 1
               when :remainder = 'rotate' and mod(place - turn + parts, parts) < spare then 1
               when :remainder = 'all_to_last' and place = parts - 1 then spare
               else 0
           end as users
    from campaign_share
),
campaign_range as (
    select id, place, campaign_size.users, (groups_angle - mod(groups_angle, 4294967296)) / 4294967296
               + sum(campaign_size.users) over (order by place) - campaign_size.users as turn
    from campaign_size cross join total
),
group_share as (
    select campaign_range.id, campaign_range.place, digit.n,
           (users - mod(users, 5)) / 5 as base, mod(users, 5) as spare, mod(turn, 5) as turn
    from campaign_range cross join digit where digit.n < 5
),
group_size as (
    select id, place, n,
           base + case
               when :remainder = 'last' and n >= 5 - spare then 1
               when :remainder = 'rotate' and mod(n - turn + 5, 5) < spare then 1
               when :remainder = 'all_to_last' and n = 4 then spare
               else 0
           end as users
    from group_share
),
block as (
    select id || '.' || (n + 1) as theory_id, users, sum(users) over (order by place, n) as last_place
    from group_size
),
verdict as (
    select ranked.theory_id as written_id, block.theory_id as derived_id,
           case when :is_listed = 1 and ranked.theory_id <> block.theory_id then ranked.iin end as iin
    from ranked join block
        on ranked.place > block.last_place - block.users and ranked.place <= block.last_place
)
select written_id, derived_id, iin, count(*) as users
from verdict group by written_id, derived_id, iin order by written_id, derived_id, iin;

-- name: verify_counts
-- In DSSB. Rows of a day by table and theory, from the moment since until just short of the moment before.
select table_name, theory_id, count(*) as users
from (
    select 'sc_local_control' as table_name, rtrim(theory_id) as theory_id from dssb_app.sc_local_control
    where insert_datetime >= :since and insert_datetime < :before
    union all
    select 'sc_local_target' as table_name, rtrim(theory_id) as theory_id from dssb_app.sc_local_target
    where insert_datetime >= :since and insert_datetime < :before
) written
group by table_name, theory_id order by table_name, theory_id;

-- name: verify_mirror_counts
-- In SPSS. The same for the mirror: equal to those of sc_local_target.
select 'sc_theory_users' as table_name, rtrim(theory_id) as theory_id, count(*) as users
from spss.sc_theory_users
where insert_datetime >= :since and insert_datetime < :before
group by rtrim(theory_id) order by rtrim(theory_id);

-- name: verify_distinct
-- In DSSB. Assignments of that day and the users who have them: as many of the one as of the other.
select count(*) as assignments, count(distinct iin) as users
from (
    select rtrim(iin) as iin from dssb_app.sc_local_control
    where insert_datetime >= :since and insert_datetime < :before
    union all
    select rtrim(iin) as iin from dssb_app.sc_local_target
    where insert_datetime >= :since and insert_datetime < :before
) written;

-- name: verify_mirror_distinct
-- In SPSS. The same for the mirror, which has no key.
select count(*) as assignments, count(distinct rtrim(iin)) as users
from spss.sc_theory_users
where insert_datetime >= :since and insert_datetime < :before;

-- name: verify_doubles
-- In DSSB. How many users have how many assignments of that day: none is right.
select assignments, count(*) as users
from (
    select iin, count(*) as assignments
    from (
        select rtrim(iin) as iin from dssb_app.sc_local_control
        where insert_datetime >= :since and insert_datetime < :before
        union all
        select rtrim(iin) as iin from dssb_app.sc_local_target
        where insert_datetime >= :since and insert_datetime < :before
    ) written
    group by iin having count(*) > 1
) doubled
group by assignments order by assignments;

-- name: verify_tables
-- In DSSB. Rows in the wrong table: the control table holds A only, the target table all but A: none is right.
select table_name, theory_id, count(*) as users
from (
    select 'sc_local_control' as table_name, rtrim(theory_id) as theory_id from dssb_app.sc_local_control
    where insert_datetime >= :since and insert_datetime < :before and rtrim(theory_id) not like '%.1'
    union all
    select 'sc_local_target' as table_name, rtrim(theory_id) as theory_id from dssb_app.sc_local_target
    where insert_datetime >= :since and insert_datetime < :before and rtrim(theory_id) like '%.1'
) misplaced
group by table_name, theory_id order by table_name, theory_id;

-- name: verify_mirror_control
-- In SPSS. Rows of A in the mirror, of that day: none is right.
select rtrim(theory_id) as theory_id, count(*) as users
from spss.sc_theory_users
where insert_datetime >= :since and insert_datetime < :before and rtrim(theory_id) like '%.1'
group by rtrim(theory_id) order by rtrim(theory_id);

-- name: verify_control_users
-- In DSSB. The users of A, who must not be among those of verify_mirror_users: to be compared in memory and
-- shown nowhere.
select rtrim(iin) as iin from dssb_app.sc_local_control
where insert_datetime >= :since and insert_datetime < :before;

-- name: verify_mirror_users
-- In SPSS. The other half.
select rtrim(iin) as iin from spss.sc_theory_users
where insert_datetime >= :since and insert_datetime < :before;
