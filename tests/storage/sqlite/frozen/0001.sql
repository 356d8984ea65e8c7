-- A database as the first release made it, with something in every table: schema version 1. Never to be changed.
PRAGMA auto_vacuum=INCREMENTAL;
PRAGMA journal_mode=WAL;
PRAGMA application_id=0x63686174;
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE accounts (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL,
    folded        TEXT    NOT NULL UNIQUE,
    role          TEXT    NOT NULL CHECK (role IN ('user', 'moderator', 'admin')),
    disabled      INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created_ms    INTEGER NOT NULL,
    last_login_ms INTEGER
) STRICT;
INSERT INTO "accounts" VALUES(1,'Ada','ada','admin',0,1903867200000,NULL);
INSERT INTO "accounts" VALUES(2,'bob','bob','user',0,1903867200000,NULL);
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms  INTEGER NOT NULL,
    actor  TEXT    NOT NULL COLLATE NOCASE,
    origin TEXT    NOT NULL,
    action TEXT    NOT NULL,
    target TEXT    NOT NULL COLLATE NOCASE,
    detail TEXT    NOT NULL DEFAULT ''
) STRICT;
INSERT INTO "audit" VALUES(1,1903867200000,'root','cli','user.create','Ada','role admin');
INSERT INTO "audit" VALUES(2,1903867200000,'root','cli','user.create','bob','role user');
INSERT INTO "audit" VALUES(3,1903867200000,'root','cli','user.create','gone','role user');
INSERT INTO "audit" VALUES(4,1903867200000,'root','cli','user.delete','gone','role user');
INSERT INTO "audit" VALUES(5,1903867200000,'root','cli','ban.add','mallory','ban 1, for ever: flooding');
INSERT INTO "audit" VALUES(6,1903867200000,'root','cli','ban.add','10.0.0.0/8','ban 2, until 2031-01-01T00:00:00+00:00: spam');
INSERT INTO "audit" VALUES(7,1903867200000,'root','cli','ban.remove','10.0.0.0/8','ban 2');
CREATE TABLE bans (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL CHECK (kind IN ('name', 'ip')),
    target     TEXT    NOT NULL,
    folded     TEXT,
    version    INTEGER,
    network    BLOB,
    prefix     INTEGER,
    reason     TEXT    NOT NULL DEFAULT '',
    created_by TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    until_ms   INTEGER,
    lifted_ms  INTEGER,
    lifted_by  TEXT,
    CHECK ((lifted_ms IS NULL) = (lifted_by IS NULL)),
    CHECK (CASE kind
        WHEN 'name' THEN folded IS NOT NULL AND version IS NULL AND network IS NULL AND prefix IS NULL
        ELSE folded IS NULL AND network IS NOT NULL AND prefix IS NOT NULL AND CASE version
            WHEN 4 THEN length(network) = 4 AND prefix BETWEEN 0 AND 32
            WHEN 6 THEN length(network) = 16 AND prefix BETWEEN 0 AND 128
            ELSE 0 END
        END)
) STRICT;
INSERT INTO "bans" VALUES(1,'name','mallory','mallory',NULL,NULL,NULL,'flooding','root',1903867200000,NULL,NULL,NULL);
INSERT INTO "bans" VALUES(2,'ip','10.0.0.0/8',NULL,4,X'0A000000',8,'spam','root',1903867200000,1924992000000,1903867200000,'root');
CREATE TABLE changes (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    tbl    TEXT    NOT NULL CHECK (tbl IN ('accounts', 'bans', 'channels')),
    row_id INTEGER NOT NULL,
    origin TEXT    NOT NULL
) STRICT;
INSERT INTO "changes" VALUES(1,'accounts',1,'cli');
INSERT INTO "changes" VALUES(2,'accounts',2,'cli');
INSERT INTO "changes" VALUES(3,'accounts',3,'cli');
INSERT INTO "changes" VALUES(4,'accounts',3,'cli');
INSERT INTO "changes" VALUES(5,'bans',1,'cli');
INSERT INTO "changes" VALUES(6,'bans',2,'cli');
INSERT INTO "changes" VALUES(7,'bans',2,'cli');
CREATE TABLE channel_access (
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    level      TEXT    NOT NULL CHECK (level IN ('founder', 'o', 'v')),
    PRIMARY KEY (channel_id, account_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "channel_access" VALUES(1,1,'founder');
INSERT INTO "channel_access" VALUES(1,2,'v');
CREATE TABLE channel_lists (
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    mode       TEXT    NOT NULL CHECK (mode IN ('b', 'e', 'I')),
    mask       TEXT    NOT NULL,
    set_by     TEXT    NOT NULL,
    set_ms     INTEGER NOT NULL,
    PRIMARY KEY (channel_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "channel_lists" VALUES(1,0,'b','*!*@spam.example','Ada',1903867200000);
CREATE TABLE channels (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT    NOT NULL,
    folded       TEXT    NOT NULL UNIQUE,
    founder_id   INTEGER REFERENCES accounts (id) ON DELETE SET NULL,
    created_ms   INTEGER NOT NULL,
    flags        TEXT    NOT NULL DEFAULT '',
    key          TEXT,
    member_limit INTEGER CHECK (member_limit > 0),
    topic        TEXT    NOT NULL DEFAULT '',
    topic_by     TEXT    NOT NULL DEFAULT '',
    topic_ms     INTEGER
) STRICT;
INSERT INTO "channels" VALUES(1,'#Tea','#tea',1,1903867200000,'nt',NULL,NULL,'Today: green','Ada',1903867200000);
CREATE TABLE credentials (
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind       TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    PRIMARY KEY (account_id, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO "credentials" VALUES(1,'bcrypt','$2b$04$abcdefghijklmnopqrstuv');
CREATE TABLE migrations (
    number     INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    applied_ms INTEGER NOT NULL
) STRICT;
INSERT INTO "migrations" VALUES(1,'initial',1903867200000);
CREATE TABLE server_keys (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "server_keys" VALUES('cloak',X'00112233');
CREATE INDEX bans_not_lifted ON bans (kind, folded, network, prefix) WHERE lifted_ms IS NULL;
CREATE INDEX audit_by_actor ON audit (actor);
CREATE INDEX audit_by_target ON audit (target);
CREATE INDEX audit_by_moment ON audit (at_ms);
CREATE INDEX channels_by_founder ON channels (founder_id);
CREATE INDEX channel_access_by_account ON channel_access (account_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('accounts',3);
INSERT INTO "sqlite_sequence" VALUES('audit',7);
INSERT INTO "sqlite_sequence" VALUES('changes',7);
INSERT INTO "sqlite_sequence" VALUES('bans',2);
INSERT INTO "sqlite_sequence" VALUES('channels',1);
COMMIT;
