-- What Oracle has and PostgreSQL has not, or has with another meaning. Run it as superuser, in every database
-- that stands behind the listener; again and again if need be. Sessions look here before pg_catalog.
-- Three rules run through all of it: an empty text is NULL, a date has a time of day, a number may have decimals,
-- so that a place in a text is numeric where it was calculated.

create schema if not exists oracle;
grant usage on schema oracle to public;

create or replace view oracle.dual as select 'X'::varchar(1) as dummy;
grant select on oracle.dual to public;

create or replace function oracle.sysdate() returns timestamp(0) volatile
    return clock_timestamp()::timestamp(0);
create or replace function oracle.systimestamp() returns timestamp volatile
    return clock_timestamp()::timestamp;
create or replace function oracle.sys_context(namespace text, parameter text) returns text stable
    return case lower(parameter)
        when 'current_schema' then upper(current_schema()) when 'session_user' then upper(session_user) end;

create or replace function oracle.nvl(anycompatible, anycompatible) returns anycompatible immutable
    language sql as 'select coalesce($1, $2)';

-- Texts
create or replace function oracle.substr(text, integer, integer) returns text immutable
    return nullif(pg_catalog.substr($1, case when $2 < 0 then length($1) + $2 + 1 when $2 = 0 then 1 else $2 end,
                                    greatest($3, 0)), '');
create or replace function oracle.substr(text, integer) returns text immutable
    return oracle.substr($1, $2, length($1));
create or replace function oracle.substr(text, numeric, numeric) returns text immutable
    return oracle.substr($1, trunc($2)::integer, trunc($3)::integer);
create or replace function oracle.substr(text, numeric) returns text immutable
    return oracle.substr($1, trunc($2)::integer);
create or replace function oracle.regexp_substr(text, text, numeric, numeric) returns text immutable
    return pg_catalog.regexp_substr($1, $2, $3::integer, $4::integer);
create or replace function oracle.instr(text, text) returns integer immutable
    return strpos($1, $2);
create or replace function oracle.replace(text, text, text) returns text immutable
    return case when $2 is null then $1 else nullif(pg_catalog.replace($1, $2, coalesce($3, '')), '') end;
create or replace function oracle.replace(text, text) returns text immutable
    return oracle.replace($1, $2, '');
create or replace function oracle.ltrim(text) returns text immutable
    return nullif(pg_catalog.ltrim($1), '');
create or replace function oracle.ltrim(text, text) returns text immutable
    return nullif(pg_catalog.ltrim($1, $2), '');
create or replace function oracle.rtrim(text) returns text immutable
    return nullif(pg_catalog.rtrim($1), '');
create or replace function oracle.rtrim(text, text) returns text immutable
    return nullif(pg_catalog.rtrim($1, $2), '');
create or replace function oracle.standard_hash(text, text) returns bytea immutable
    return case upper($2)
        when 'SHA256' then sha256(convert_to($1, 'UTF8')) when 'SHA512' then sha512(convert_to($1, 'UTF8'))
        when 'MD5' then decode(md5($1), 'hex') end;
create or replace function oracle.rawtohex(bytea) returns text immutable
    return upper(encode($1, 'hex'));
create or replace function oracle.hextoraw(text) returns bytea immutable
    return decode($1, 'hex');

-- Numbers
create or replace function oracle.to_number(text) returns numeric immutable
    return $1::numeric;
create or replace function oracle.to_char(numeric) returns text immutable
    return trim_scale($1)::text;

-- Dates
create or replace function oracle.trunc(timestamp) returns timestamp immutable
    return date_trunc('day', $1);
create or replace function oracle.trunc(timestamp, text) returns timestamp immutable
    return date_trunc(case upper($2)
        when 'DD' then 'day' when 'IW' then 'week' when 'MM' then 'month' when 'MONTH' then 'month'
        when 'Q' then 'quarter' when 'YYYY' then 'year' when 'YEAR' then 'year'
        when 'HH24' then 'hour' when 'MI' then 'minute' else upper($2) end, $1);
create or replace function oracle.to_date(text, text) returns timestamp(0) stable
    return pg_catalog.to_timestamp($1, $2)::timestamp(0);
create or replace function oracle.to_timestamp(text, text) returns timestamp stable
    return pg_catalog.to_timestamp($1, $2)::timestamp;
create or replace function oracle.add_months(timestamp, numeric) returns timestamp immutable
    return $1 + make_interval(months => $2::integer);

create or replace function oracle.days_later(timestamp, numeric) returns timestamp immutable
    return $1 + make_interval(secs => ($2 * 86400)::double precision);
create or replace function oracle.days_earlier(timestamp, numeric) returns timestamp immutable
    return oracle.days_later($1, -$2);
create or replace function oracle.days_between(timestamp, timestamp) returns numeric immutable
    return extract(epoch from $1 operator(pg_catalog.-) $2) / 86400;

do $$
begin
    create operator oracle.+ (leftarg = timestamp, rightarg = numeric, function = oracle.days_later);
    create operator oracle.- (leftarg = timestamp, rightarg = numeric, function = oracle.days_earlier);
    create operator oracle.- (leftarg = timestamp, rightarg = timestamp, function = oracle.days_between);
exception when duplicate_function then
    null; -- there is no "create or replace operator"
end $$;
