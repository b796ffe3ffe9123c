-- Once, on the primary, as postgres. The timeouts are for single reads through PgBouncer, which does not pass on
-- those of the service; the service sets its own in each transaction.
CREATE ROLE astakos LOGIN PASSWORD '${database_password}';
ALTER ROLE astakos SET statement_timeout = '15s';
ALTER ROLE astakos SET lock_timeout = '5s';
ALTER ROLE astakos SET idle_in_transaction_session_timeout = '60s';
CREATE DATABASE astakos OWNER astakos ENCODING 'UTF8';
