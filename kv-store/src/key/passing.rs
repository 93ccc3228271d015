//! How ids are passed to calls: numbers by value, text by reference, and a newtype as what it holds.
//!
//! A call takes one type, so that a wrong id is one compile error, and `&String` becomes `&str`.

use super::id::KvId;
use super::lookup::Lookup;
use crate::maybe_send::{MaybeSend, MaybeSync};

/// How an id type and the newtypes around it are passed to calls: [`ByValue`] or [`ByReference`].
pub trait Passing: sealed::Sealed {
    /// The type that calls take for ids of type `I`.
    type Ref<'a, I>: Lookup<I> + MaybeSend + MaybeSync
    where
        I: KvId + Lookup<I>,
        for<'b> &'b I: Lookup<I>;

    /// Returns the id as calls take it.
    fn pass<I>(id: &I) -> Self::Ref<'_, I>
    where
        I: KvId + Lookup<I>,
        for<'b> &'b I: Lookup<I>;
}

/// Numbers, `bool`, `char`, `Uuid`, enums, and newtypes of these.
#[derive(Debug)]
pub enum ByValue {}

/// Text, which is passed as `&str`, and newtypes of text: `&OrgId`.
#[derive(Debug)]
pub enum ByReference {}

impl Passing for ByValue {
    type Ref<'a, I>
        = I
    where
        I: KvId + Lookup<I>,
        for<'b> &'b I: Lookup<I>;

    fn pass<I>(id: &I) -> I
    where
        I: KvId + Lookup<I>,
        for<'b> &'b I: Lookup<I>,
    {
        id.clone()
    }
}

impl Passing for ByReference {
    type Ref<'a, I>
        = &'a I
    where
        I: KvId + Lookup<I>,
        for<'b> &'b I: Lookup<I>;

    fn pass<I>(id: &I) -> &I
    where
        I: KvId + Lookup<I>,
        for<'b> &'b I: Lookup<I>,
    {
        id
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ByValue {}
    impl Sealed for super::ByReference {}
}
