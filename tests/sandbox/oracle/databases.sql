-- The tables of both databases in one script: each of the two gets all of them.
create schema dssb_app;
create table dssb_app.sc_local_target (
    iin varchar(12) not null, theory_id varchar(50) not null,
    date_start timestamp(0), date_end timestamp(0), insert_datetime timestamp(0),
    tab1 varchar(255), tab2 varchar(255), tab3 varchar(255), tab4 varchar(255), tab5 varchar(255),
    primary key (iin, theory_id)
);
create table dssb_app.sc_local_control (like dssb_app.sc_local_target including all);
create table dssb_app.sc_runs (
    business_date timestamp(0), kind varchar(20), status varchar(20), total numeric(10),
    constraint sc_runs_total check (total >= 0), primary key (business_date, kind)
);
create table dssb_app.sc_details (
    kind varchar(20), business_date timestamp(0), foreign key (business_date, kind) references dssb_app.sc_runs
);
create table dssb_app.everything (
    id integer, varchar2 varchar(50), long_text text, char_ char(5), number_ numeric, money numeric(10, 2),
    date_ timestamp(0), timestamp_ timestamp, raw_ bytea, double_ double precision
);
grant usage, create on schema dssb_app to bank_app;
grant all on all tables in schema dssb_app to bank_app;
grant usage on schema dssb_app to bank_reader;
grant select on dssb_app.sc_local_target to bank_reader;

create schema spss;
create table spss.sc_theory_users (like dssb_app.sc_local_target);
alter table spss.sc_theory_users alter iin drop not null, alter theory_id drop not null;
create schema spss_user_dracrm;
create table spss_user_dracrm.sc_1_120 (iin varchar(12), count_day numeric);
