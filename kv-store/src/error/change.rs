//! The error of a change that may fail.

#[cfg(doc)]
use super::BoxError;
use super::variants::Error;

/// The error type of a change that may fail: any type that implements `From<kv_runtime::Error>`,
/// because the call itself may fail, too. [`BoxError`] is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold an error of kv-runtime, with which the call may fail, too",
    label = "this needs an error type with `From<kv_runtime::Error>`",
    note = "implement it for your error type, or let the change fail with `kv_runtime::BoxError`: `Err(\"..\".into())`"
)]
pub trait ChangeError: From<Error> {}

#[diagnostic::do_not_recommend]
impl<X: From<Error>> ChangeError for X {}
