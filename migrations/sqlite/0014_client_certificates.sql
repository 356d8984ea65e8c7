-- The TLS certificates by which clients log in to an account (SASL EXTERNAL). A fingerprint is the SHA-256 of the
-- certificate, as 64 small hexadecimal digits. No changes rows: the daemon keeps none of this in memory.
-- shown_ms is when a client last proved that it has the certificate's key. NULL: never, the fingerprint was only typed.

CREATE TABLE client_certificates (
    fingerprint TEXT    PRIMARY KEY CHECK (length(fingerprint) = 64 AND fingerprint NOT GLOB '*[^0-9a-f]*'),
    account_id  INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    added_ms    INTEGER NOT NULL,
    shown_ms    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX client_certificates_by_account ON client_certificates (account_id);
