//! Keys with a list in parentheses.

use proc_macro2::TokenStream;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Ident, LitInt, LitStr, Path, Token, parenthesized};

use super::{Key, all, rest_of_value, spelled};
use crate::attr::place::Place;
use crate::attr::slot::{Slot, Version};

impl Key<'_> {
    /// Reads the content of `step(...)`: a version, the path of a function, and further keys.
    /// Returns `None` if it is something else.
    pub(in crate::attr) fn step<T>(
        &self,
        form: &str,
        parse: fn(ParseStream<'_>) -> syn::Result<T>,
        mut read: impl FnMut(&Key<'_>),
    ) -> Option<(Version, T)> {
        if !self.has_list() {
            self.wrong_form(format_args!("takes a list: `{form}`"));
            return None;
        }
        let mut parts = || {
            let content;
            parenthesized!(content in self.input);
            let span = content.span();
            let from = content.parse::<LitInt>();
            let head = from.and_then(|from| {
                content.parse::<Token![=>]>()?;
                Ok((from, parse(&content)?))
            });
            let Ok(head) = head else {
                content.parse::<TokenStream>()?;
                return Err(syn::Error::new(
                    span,
                    format_args!("expected a version and a function: `{form}`"),
                ));
            };
            if !content.is_empty() && !content.peek(Token![,]) {
                self.cx.error_at(content.span(), "expected `,`");
                rest_of_value(&content)?;
            }
            content.parse::<Option<Token![,]>>()?;
            all(self.cx, Place::Step, &content, &mut read)?;
            Ok(head)
        };
        match parts() {
            Ok((from, path)) => Some((Version::read(self.cx, from, "version")?, path)),
            Err(error) => {
                self.cx.push(error);
                None
            }
        }
    }

    /// A list of names in parentheses, at least one.
    pub(in crate::attr) fn idents(&self, slot: &mut Slot<Vec<Ident>>, form: &str) {
        let mut paths = Slot::default();
        self.paths(&mut paths, form);
        let idents = paths.get().and_then(|paths| self.names(paths, form));
        self.fill(slot, idents);
    }

    /// The paths as names; a complaint is recorded if one is something else, or if there are none.
    fn names(&self, paths: &[Path], form: &str) -> Option<Vec<Ident>> {
        if paths.is_empty() {
            self.wrong_form(format_args!("names nothing: `{form}`"));
            return None;
        }
        let name = |path: &Path| {
            let name = path.get_ident().cloned();
            if name.is_none() {
                self.cx.error(path, format_args!("expected a name: `{form}`"));
            }
            name
        };
        let names: Vec<Option<Ident>> = paths.iter().map(name).collect();
        names.into_iter().collect()
    }

    /// A list of paths in parentheses.
    pub(in crate::attr) fn paths(&self, slot: &mut Slot<Vec<Path>>, form: &str) {
        let paths = || {
            let content;
            parenthesized!(content in self.input);
            let paths = Punctuated::<_, Token![,]>::parse_terminated_with(&content, path_or_text);
            // What is left would be an error by itself.
            content.parse::<TokenStream>()?;
            paths.and_then(|paths| self.unquoted(paths.into_iter().collect()))
        };
        if !self.has_list() {
            self.wrong_form(format_args!("takes a list: `{form}`"));
            return self.fill(slot, None);
        }
        let value = match paths() {
            Ok(paths) => Some(paths),
            Err(error) => {
                self.cx.push(error);
                None
            }
        };
        self.fill(slot, value);
    }

    /// The paths, if none is in quotes; the complaint shows them all without.
    fn unquoted(&self, paths: Vec<Result<Path, LitStr>>) -> syn::Result<Vec<Path>> {
        let Some(Err(text)) = paths.iter().find(|path| path.is_err()) else {
            return Ok(paths.into_iter().flatten().collect());
        };
        let spelled = |path: &Result<Path, LitStr>| path.as_ref().map_or_else(LitStr::value, spelled);
        let all: Vec<String> = paths.iter().map(spelled).collect();
        let message = format!("expected a path without quotes: `{}({})`", self.symbol, all.join(", "));
        Err(syn::Error::new_spanned(text, message))
    }

    /// A list of further keys, which `form` shows; whether there is one, and of keys alone.
    pub(in crate::attr) fn nested_as(&self, place: Place, form: &str, read: impl FnMut(&Key<'_>)) -> bool {
        if self.has_list() {
            return self.nested(place, read);
        }
        self.wrong_form(format_args!("takes a list: `{form}`"));
        false
    }

    /// A list of further keys; whether there are keys alone.
    pub(in crate::attr) fn nested(&self, place: Place, mut read: impl FnMut(&Key<'_>)) -> bool {
        let mut list = || {
            let content;
            parenthesized!(content in self.input);
            all(self.cx, place, &content, &mut read)
        };
        list().unwrap_or_else(|error| {
            self.cx.push(error);
            false
        })
    }
}

/// A path, or text in quotes where one is expected.
fn path_or_text(input: ParseStream<'_>) -> syn::Result<Result<Path, LitStr>> {
    if input.peek(LitStr) { input.parse().map(Err) } else { Path::parse_mod_style(input).map(Ok) }
}
