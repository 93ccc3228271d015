//! Any text is either rejected as a key, or is exactly the key that its ids give.

#![no_main]

use kv_runtime::__private::{id_of, key_of};
use kv_runtime::{KvEntity, KvId};
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

#[derive(KvId, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[kv(rename_all = "kebab-case")]
enum Kind {
    Plain,
    InUse,
}

macro_rules! entities {
    ($($entity:ident { $($field:ident: $id:ty $(, $ordered:ident)?);+ })*) => {
        $(
            #[derive(KvEntity)]
            #[kv(prefix = "t", group = "g")]
            struct $entity {
                $(#[kv(id $(, $ordered)?)] $field: $id,)+
            }
        )*

        fuzz_target!(|text: &str| {
            $(check::<$entity>(text);)*
            // The same as an id: between the prefix and the group.
            let wrapped = format!("t:{text}:g");
            $(check::<$entity>(&wrapped);)*
        });
    };
}

entities! {
    Unsigned { id: u64 }
    Signed { id: i64 }
    Wide { id: u128 }
    Ordered { id: u32, ordered }
    OrderedSigned { id: i128, ordered }
    Truth { id: bool }
    Letter { id: char }
    Text { id: String }
    Unique { id: Uuid }
    OfKind { id: Kind }
    Two { a: String; b: i8 }
    Three { a: String; b: u16, ordered; c: String }
}

fn check<E: KvEntity>(text: &str) {
    if let Some(id) = id_of::<E>(text) {
        assert_eq!(key_of::<E>(&id).as_str(), text, "a second spelling of {id:?}");
    }
}
