-- A role and a database for each of the three, made where absent, passwords set as the environment has them. For psql.
\set ON_ERROR_STOP on
\getenv nextpick DB_PASSWORD_NEXTPICK
\getenv airflow DB_PASSWORD_AIRFLOW
\getenv mlflow DB_PASSWORD_MLFLOW
SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY['nextpick', 'airflow', 'mlflow']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec
ALTER ROLE nextpick PASSWORD :'nextpick';
ALTER ROLE airflow PASSWORD :'airflow';
ALTER ROLE mlflow PASSWORD :'mlflow';
SELECT format('CREATE DATABASE %I OWNER %I', name, name) FROM unnest(ARRAY['nextpick', 'airflow', 'mlflow']) AS name
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name)
\gexec
-- each may enter its own alone
REVOKE ALL ON DATABASE nextpick, airflow, mlflow, postgres, template1 FROM PUBLIC;
