//! Tuples as ids of calls: of composite ids, and of their first ids.

use std::hash::{Hash, Hasher};

use super::builder::KeyBuilder;
use super::id::KvId;
use super::lookup::{Depth1, Depth2, Depth3, Depth4, Depth5, Lookup, Within};

macro_rules! tuple_lookups {
    ($($($id:ident $lookup:ident $at:tt),+;)*) => {$(
        impl<$($id: KvId, $lookup: Lookup<$id>),+> Lookup<($($id,)+)> for ($($lookup,)+) {
            fn write(&self, key: &mut KeyBuilder) {
                $(self.$at.write(key);)+
            }

            fn hash_id<H: Hasher>(&self, state: &mut H) {
                $(self.$at.hash_id(state);)+
            }

            fn names(&self, id: &($($id,)+)) -> bool {
                $(self.$at.names(&id.$at))&&+
            }

            fn into_id(self) -> ($($id,)+) {
                ($(self.$at.into_id(),)+)
            }
        }

        impl<$($id: KvId),+> Lookup<($($id,)+)> for &($($id,)+) {
            fn write(&self, key: &mut KeyBuilder) {
                $(key.push(&self.$at);)+
            }

            fn hash_id<H: Hasher>(&self, state: &mut H) {
                self.hash(state);
            }

            fn names(&self, id: &($($id,)+)) -> bool {
                *self == id
            }

            fn into_id(self) -> ($($id,)+) {
                self.clone()
            }
        }
    )*};
}

tuple_lookups! {
    A LA 0, B LB 1;
    A LA 0, B LB 1, C LC 2;
    A LA 0, B LB 1, C LC 2, D LD 3;
    A LA 0, B LB 1, C LC 2, D LD 3, E LE 4;
    A LA 0, B LB 1, C LC 2, D LD 3, E LE 4, F LF 5;
}

/// `first ids => rest of the id`: a single lookup names one id, a tuple as many as it has.
macro_rules! withins {
    ($($depth:ident: $($id:ident $lookup:ident $at:tt),+ => $($rest:ident)+;)*) => {$(
        impl<$($id: KvId, $lookup: Lookup<$id>,)+ $($rest: KvId),+>
            Within<($($id,)+ $($rest,)+), $depth> for ($($lookup,)+)
        {
            fn write(&self, key: &mut KeyBuilder) {
                $(self.$at.write(key);)+
            }
        }
    )*};
}

macro_rules! within_one {
    ($($($rest:ident)+;)*) => {$(
        impl<A: KvId, L: Lookup<A>, $($rest: KvId),+> Within<(A, $($rest,)+), Depth1> for L {
            fn write(&self, key: &mut KeyBuilder) {
                Lookup::write(self, key);
            }
        }
    )*};
}

within_one! {
    B;
    B C;
    B C D;
    B C D E;
    B C D E F;
}

withins! {
    Depth2: A LA 0, B LB 1 => C;
    Depth2: A LA 0, B LB 1 => C D;
    Depth2: A LA 0, B LB 1 => C D E;
    Depth2: A LA 0, B LB 1 => C D E F;
    Depth3: A LA 0, B LB 1, C LC 2 => D;
    Depth3: A LA 0, B LB 1, C LC 2 => D E;
    Depth3: A LA 0, B LB 1, C LC 2 => D E F;
    Depth4: A LA 0, B LB 1, C LC 2, D LD 3 => E;
    Depth4: A LA 0, B LB 1, C LC 2, D LD 3 => E F;
    Depth5: A LA 0, B LB 1, C LC 2, D LD 3, E LE 4 => F;
}
