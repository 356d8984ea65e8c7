-- The TLS certificates by which clients log in to an account (SASL EXTERNAL). A fingerprint is the SHA-256 of the
-- certificate, as 64 small hexadecimal digits. No changes rows: the daemon keeps none of this in memory.
-- shown_ms is when a client last proved that it has the certificate's key. NULL: never, the fingerprint was only typed.

CREATE TABLE client_certificates (
    fingerprint TEXT COLLATE "C" PRIMARY KEY CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    added_ms BIGINT NOT NULL,
    shown_ms BIGINT
);

CREATE INDEX client_certificates_by_account ON client_certificates (account_id);
