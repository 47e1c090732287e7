#!/usr/bin/env bash
# Runs once, in the postgres image, on an empty data folder: one database and one role per service; the role owns
# its database and may connect to no other. Passwords come from the environment.
set -euo pipefail

make_database() {
  psql --set=ON_ERROR_STOP=1 --username=postgres --set=name="$1" --set=password="$2" <<'SQL'
create role :"name" login password :'password';
create database :"name" owner :"name";
revoke all on database :"name" from public;
SQL
}

make_database intake "${INTAKE_PASSWORD:?}"
make_database provider_gateway "${PROVIDER_GATEWAY_PASSWORD:?}"
make_database ledger "${LEDGER_PASSWORD:?}"
make_database reconciliation "${RECONCILIATION_PASSWORD:?}"
