//! Where every mistake is recorded, so that all of a struct's are reported in one go.

use std::cell::RefCell;
use std::fmt::Display;
use std::thread;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Collects errors. Parsers take it by reference, record what they find and go on.
///
/// [`Ctxt::check`] must be called: it panics if it is dropped before, so that no code path loses an
/// error.
pub(crate) struct Ctxt {
    /// Nothing once it was asked.
    errors: RefCell<Option<Vec<syn::Error>>>,
}

impl Ctxt {
    pub(crate) fn new() -> Self {
        Self { errors: RefCell::new(Some(Vec::new())) }
    }

    /// Records a mistake that `tokens` show.
    pub(crate) fn error(&self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens.into_token_stream(), message));
    }

    /// Records a mistake at a place.
    pub(crate) fn error_at(&self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    /// Records what syn found.
    pub(crate) fn push(&self, error: syn::Error) {
        if let Some(errors) = self.errors.borrow_mut().as_mut() {
            errors.push(error);
        }
    }

    /// How many there are so far.
    pub(crate) fn count(&self) -> usize {
        self.errors.borrow().as_ref().map_or(0, Vec::len)
    }

    /// All errors as `compile_error!`s; `Ok` if there are none.
    pub(crate) fn check(self) -> Result<(), TokenStream> {
        let errors = self.errors.take().unwrap_or_default();
        if errors.is_empty() {
            return Ok(());
        }
        Err(errors.iter().map(syn::Error::to_compile_error).collect())
    }
}

impl Drop for Ctxt {
    fn drop(&mut self) {
        let unasked = self.errors.borrow().is_some();
        assert!(!unasked || thread::panicking(), "errors were collected and never looked at");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_errors_are_told() {
        let cx = Ctxt::new();
        assert_eq!(cx.count(), 0);
        cx.error_at(Span::call_site(), "one");
        cx.error_at(Span::call_site(), "two");
        let errors = cx.check().expect_err("there are errors").to_string();
        assert!(errors.contains("\"one\"") && errors.contains("\"two\""), "{errors}");
        assert!(Ctxt::new().check().is_ok());
    }

    #[test]
    #[should_panic = "never looked at"]
    fn errors_cannot_be_forgotten() {
        Ctxt::new().error_at(Span::call_site(), "forgotten");
    }
}
