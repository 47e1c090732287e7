#!/usr/bin/env bash
# Runs in the postgres image on an empty data folder: one database and two roles per service; `<name>_owner` owns the
# database and all that is in it and migrates, `<name>` runs, owns nothing and may connect to no other. Passwords come from the environment.
# It may run again: a database that an older release made is taken from the role that runs.
set -euo pipefail

make_database() {
  psql --set=ON_ERROR_STOP=1 --username=postgres --set=name="$1" --set=owner="$1_owner" --set=password="$2" --set=owner_password="$3" <<'SQL'
select format('create role %I', r) from unnest(array[:'name', :'owner']) as r
  where not exists (select from pg_roles where rolname = r) \gexec
alter role :"name" login password :'password';
alter role :"owner" login password :'owner_password';
select format('create database %I', :'name') where not exists (select from pg_database where datname = :'name') \gexec
alter database :"name" owner to :"owner";
revoke all on database :"name" from public;
grant connect on database :"name" to :"name";
\connect :"name"
reassign owned by :"name" to :"owner";
SQL
}

make_database intake "${INTAKE_PASSWORD:?}" "${INTAKE_OWNER_PASSWORD:?}"
make_database provider_gateway "${PROVIDER_GATEWAY_PASSWORD:?}" "${PROVIDER_GATEWAY_OWNER_PASSWORD:?}"
make_database ledger "${LEDGER_PASSWORD:?}" "${LEDGER_OWNER_PASSWORD:?}"
make_database reconciliation "${RECONCILIATION_PASSWORD:?}" "${RECONCILIATION_OWNER_PASSWORD:?}"
