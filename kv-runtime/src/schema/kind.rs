//! Kinds of ids and of indexed values, as the schema names them.

use kv_store::index::IndexKind;
use kv_store::key::IdKind;

/// Returns `u64`, `bool`, `char`, `text`, `uuid`, or the texts of an enum, separated by `|`.
pub(super) fn of_id(kind: IdKind) -> String {
    match kind {
        IdKind::Integer { signed, bits } => format!("{}{bits}", if signed { 'i' } else { 'u' }),
        IdKind::Bool => "bool".to_owned(),
        IdKind::Char => "char".to_owned(),
        IdKind::Text => "text".to_owned(),
        IdKind::Uuid => "uuid".to_owned(),
        IdKind::Enum(names) => names.join(" | "),
        other => format!("{other:?}"),
    }
}

/// Returns `timestamp`, or the kind of an id.
pub(super) fn of_index(kind: IndexKind) -> String {
    match kind {
        IndexKind::Id(kind) => of_id(kind),
        IndexKind::Timestamp => "timestamp".to_owned(),
        other => format!("{other:?}"),
    }
}
