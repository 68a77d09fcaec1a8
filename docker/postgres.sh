#!/bin/sh
# An account for the service, which owns its database and is no superuser: for those the policies of rows do not hold.
psql --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv password CANHLO_POSTGRES_PASSWORD
CREATE ROLE canhlo LOGIN PASSWORD :'password';
CREATE DATABASE canhlo OWNER canhlo;
SQL
