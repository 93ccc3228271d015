//! The texts of a table's statements. The runtime keeps prepared what it has seen before, by its
//! text.

use kv_store::record::envelope::REVISION_AT;
use kv_store::store::Content;

use super::super::message::Range;

pub(super) struct Statements {
    name: String,
    pub(super) open: [String; 2],
    pub(super) get: String,
    pub(super) is_present: String,
    pub(super) has_token: String,
    pub(super) is_plain: String,
    pub(super) put: String,
    pub(super) update: String,
    pub(super) update_checked: String,
    pub(super) insert: String,
    pub(super) touch: String,
    pub(super) extend: String,
    pub(super) delete: String,
    pub(super) first_expiry: String,
    pub(super) sweep: String,
}

/// Of the row that is there: whether it has not expired at `?2`.
const LIVE: &str = "(expires_at IS NULL OR expires_at > ?2)";

/// No envelope is longer: it has 41 bytes, and at most 65,537 of foreign members.
const LONGEST_ENVELOPE: usize = 65_600;

impl Statements {
    pub(super) fn of(name: &str) -> Self {
        let token = format!("substr(record, {}, 8)", REVISION_AT + 1);
        let is = |condition: &str| format!("SELECT 1 FROM {name} WHERE key = ?1 AND {LIVE}{condition}");
        Self {
            open: [
                // A row a record: with a rowid, its key would be a second one.
                format!(
                    "CREATE TABLE IF NOT EXISTS {name} \
                     (key TEXT PRIMARY KEY, record BLOB NOT NULL, expires_at INTEGER) WITHOUT ROWID"
                ),
                format!(
                    "CREATE INDEX IF NOT EXISTS {name}_expires_at ON {name} (expires_at) \
                     WHERE expires_at IS NOT NULL"
                ),
            ],
            get: format!("SELECT record, expires_at FROM {name} WHERE key = ?1 AND {LIVE}"),
            is_present: is(""),
            has_token: is(&format!(" AND {token} = ?3")),
            is_plain: is(" AND record = coalesce(?3, x'')"),
            put: format!(
                "INSERT INTO {name} (key, record, expires_at) VALUES (?1, ?2, ?3) ON CONFLICT (key) \
                 DO UPDATE SET record = excluded.record, expires_at = excluded.expires_at"
            ),
            update: format!(
                "INSERT INTO {name} (key, record, expires_at) VALUES (?1, ?3, ?4) ON CONFLICT (key) \
                 DO UPDATE SET record = excluded.record, expires_at = CASE WHEN {LIVE} \
                 THEN expires_at ELSE excluded.expires_at END"
            ),
            update_checked: format!(
                "UPDATE {name} SET record = ?3 WHERE key = ?1 AND {LIVE} AND {token} = ?4"
            ),
            insert: format!(
                "INSERT INTO {name} (key, record, expires_at) VALUES (?1, ?3, ?4) ON CONFLICT (key) \
                 DO UPDATE SET record = excluded.record, expires_at = excluded.expires_at \
                 WHERE expires_at <= ?2"
            ),
            touch: format!("UPDATE {name} SET expires_at = ?3 WHERE key = ?1 AND {LIVE}"),
            extend: format!(
                "UPDATE {name} SET expires_at = max(expires_at, ?3) WHERE key = ?1 AND expires_at > ?2"
            ),
            delete: format!("DELETE FROM {name} WHERE key = ?1"),
            first_expiry: format!("SELECT min(expires_at) FROM {name} WHERE expires_at IS NOT NULL"),
            sweep: format!(
                "DELETE FROM {name} WHERE key IN \
                 (SELECT key FROM {name} WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)"
            ),
            name: name.to_owned(),
        }
    }

    /// The rows from `?1` on and below `?2`, at most `?3`: those that have not expired at `?4` and
    /// whose key ends with `?5`, beyond the prefix, have a record, and all have their key.
    pub(super) fn list(&self, range: &Range, is_after: bool) -> String {
        let start = if is_after { ">" } else { ">=" };
        let record = match range.content {
            Content::Keys => "x''".to_owned(),
            Content::Heads => format!("substr(record, 1, {LONGEST_ENVELOPE})"),
            // `Content::Records`, and any part that this store cannot return alone.
            _ => "record".to_owned(),
        };
        // The keys' bytes are compared: as text they would end at a NUL.
        let suffix = match range.suffix.len() {
            0 => "?5 = ''".to_owned(),
            len => format!(
                "length(CAST(key AS BLOB)) >= {} AND substr(CAST(key AS BLOB), -{len}) = CAST(?5 AS BLOB)",
                range.prefix.len() + len
            ),
        };
        let name = &self.name;
        format!(
            "SELECT key, CASE WHEN (expires_at IS NULL OR expires_at > ?4) AND {suffix} THEN {record} END, \
             expires_at FROM {name} WHERE key {start} ?1 AND key < ?2 ORDER BY key LIMIT ?3"
        )
    }
}
