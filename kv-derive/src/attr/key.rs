//! How one key of a `#[kv(...)]` list and its value are read.

mod list;

use std::fmt::Display;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, Lit, LitStr, Path, PathSegment, Token, token};

use super::place::Place;
use super::slot::{Slot, Version};
use crate::ctxt::Ctxt;
use crate::symbol::Symbol;

/// A known key in front of its value.
pub(super) struct Key<'a> {
    pub(super) cx: &'a Ctxt,
    pub(super) symbol: Symbol,
    pub(super) ident: Ident,
    /// Whether another key was written where probably this one was meant.
    pub(super) is_guess: bool,
    /// What follows the key.
    input: ParseStream<'a>,
}

/// Reads each key of `#[kv(...)]`, and records an error for one that is not known here. Returns
/// whether there are only keys, known or not: anything else may be meant as a missing key.
pub(super) fn each(cx: &Ctxt, place: Place, attr: &Attribute, mut read: impl FnMut(&Key<'_>)) -> bool {
    let all = |input: ParseStream<'_>| all(cx, place, input, &mut read);
    attr.parse_args_with(all).unwrap_or_else(|error| {
        cx.push(error);
        false
    })
}

/// Reads keys with commas between; whether there are keys alone. syn's `parse_nested_meta` would
/// end at the first that is none.
fn all(cx: &Ctxt, place: Place, input: ParseStream<'_>, read: &mut dyn FnMut(&Key<'_>)) -> syn::Result<bool> {
    let mut are_keys = true;
    while !input.is_empty() {
        are_keys &= one(cx, place, input, read)?;
        // `one` has consumed everything else, except a key without a comma before it.
        input.parse::<Option<Token![,]>>()?;
    }
    Ok(are_keys)
}

/// Reads what stands before a comma; whether it is a key, known or not.
fn one(cx: &Ctxt, place: Place, input: ParseStream<'_>, read: &mut dyn FnMut(&Key<'_>)) -> syn::Result<bool> {
    let errors = cx.count();
    let mut is_key = input.peek(Ident::peek_any) || input.peek(Token![::]);
    let (symbol, ident, is_guess) = if is_key {
        let path = match path(input) {
            Ok(path) => path,
            Err(error) => {
                cx.push(error);
                rest_of_value(input)?;
                return Ok(false);
            }
        };
        let known = place.keys().iter().copied().find(|symbol| path == *symbol);
        // An unknown one is read as what was meant, so that this is not missed as well.
        let symbol = known.or_else(|| {
            let (spelled, is_alone) = (spelled(&path), is_at_end(input));
            cx.error(&path, place.unknown(&spelled, is_alone));
            let meant = place.meant(&spelled, is_alone);
            // Something that may be a name without its key is read as that key.
            is_key = meant.is_some() || !is_alone || place.key_of_a_name().is_none();
            meant
        });
        (symbol, path.get_ident().cloned(), known.is_none())
    } else {
        let (symbol, span) = no_key(cx, place, input)?;
        (symbol, symbol.map(|symbol| Ident::new(symbol.as_str(), span)), true)
    };
    if let (Some(symbol), Some(ident)) = (symbol, ident) {
        read(&Key { cx, symbol, ident, is_guess, input });
    }
    if !is_at_end(input) && cx.count() == errors {
        cx.error_at(input.span(), "expected `,`");
        if is_at_key(place, input) {
            // Read on, as to lose a key may be one more mistake.
            return Ok(is_key);
        }
    }
    rest_of_value(input)?;
    Ok(is_key)
}

/// Whether a key of this place is next.
fn is_at_key(place: Place, input: ParseStream<'_>) -> bool {
    let next = input.fork().call(Ident::parse_any);
    next.is_ok_and(|ident| place.keys().iter().any(|symbol| ident == symbol.as_str()))
}

/// Parses a key, or something in its place: a keyword, or a path.
fn path(input: ParseStream<'_>) -> syn::Result<Path> {
    let leading_colon = input.parse()?;
    let segment = |input: ParseStream<'_>| Ident::parse_any(input).map(PathSegment::from);
    let segments = Punctuated::parse_separated_nonempty_with(input, segment)?;
    Ok(Path { leading_colon, segments })
}

/// Records an error for something that is not a key, and consumes it if it is a literal. Returns
/// the key that the literal quotes, and its span.
fn no_key(cx: &Ctxt, place: Place, input: ParseStream<'_>) -> syn::Result<(Option<Symbol>, Span)> {
    let span = input.span();
    let literal = input.parse::<Option<Lit>>()?;
    let is_alone = is_at_end(input);
    let (symbol, key) = match &literal {
        Some(Lit::Str(text)) => (place.key(&text.value(), is_alone), place.key_of_a_name()),
        Some(Lit::Int(_)) => (None, place.key_of_a_version()),
        _ => (None, None),
    };
    let value = || Some(format!("{} = {}", key.filter(|_| is_alone)?, literal.to_token_stream()));
    let message = place.no_key(symbol.map(|symbol| symbol.to_string()).or_else(value));
    match literal {
        Some(literal) => cx.error(literal, message),
        None => cx.error_at(span, message),
    }
    Ok((symbol, span))
}

/// Whether nothing stands before the next comma.
fn is_at_end(input: ParseStream<'_>) -> bool {
    input.is_empty() || input.peek(Token![,])
}

/// All tokens up to the next comma.
pub(super) fn rest_of_value(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut rest = TokenStream::new();
    while !is_at_end(input) {
        rest.extend([input.parse::<TokenTree>()?]);
    }
    Ok(rest)
}

fn spelled(path: &Path) -> String {
    let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    segments.join("::")
}

impl Key<'_> {
    /// Whether the key has `=` and a value, not a list or nothing.
    pub(super) fn has_value(&self) -> bool {
        self.input.peek(Token![=])
    }

    /// Whether the key has a list in parentheses.
    pub(super) fn has_list(&self) -> bool {
        self.input.peek(token::Paren)
    }

    /// Reads a key without a value.
    pub(super) fn flag(&self, slot: &mut Slot<()>) {
        if self.has_value() || self.has_list() {
            self.wrong_form("takes no value");
        }
        self.fill(slot, Some(()));
    }

    /// Records that the key has a value, where it takes none or a list such as `form`.
    pub(super) fn no_value(&self, form: &str) {
        if self.has_value() {
            self.wrong_form(format_args!("takes no value; a name is in a list: `{form}`"));
        }
    }

    /// A value in quotes that `read` understands; its complaint is recorded at the value.
    pub(super) fn text<T>(
        &self,
        slot: &mut Slot<T>,
        form: &str,
        read: impl FnOnce(&LitStr) -> Result<T, String>,
    ) {
        let literal = self.literal(form, "text in quotes", |literal| match literal {
            Lit::Str(text) => Some(text),
            _ => None,
        });
        let value = literal.and_then(|text| match read(&text) {
            Ok(value) => Some(value),
            Err(complaint) => {
                self.cx.error(&text, complaint);
                None
            }
        });
        self.fill(slot, value);
    }

    /// A version: a whole number from 1 on.
    pub(super) fn version(&self, slot: &mut Slot<Version>, form: &str) {
        self.count(slot, form, "version");
    }

    /// A generation of an index: a whole number from 1 on.
    pub(super) fn generation(&self, slot: &mut Slot<Version>, form: &str) {
        self.count(slot, form, "generation");
    }

    fn count(&self, slot: &mut Slot<Version>, form: &str, what: &str) {
        let literal = self.literal(form, "a whole number", |literal| match literal {
            Lit::Int(number) => Some(number),
            _ => None,
        });
        self.fill(slot, literal.and_then(|literal| Version::read(self.cx, literal, what)));
    }

    /// A path to something in scope.
    pub(super) fn path<T>(
        &self,
        slot: &mut Slot<T>,
        form: &str,
        parse: fn(ParseStream<'_>) -> syn::Result<T>,
    ) {
        let value = self.value(form).and_then(|input| {
            let span = input.span();
            let path = parse(input).ok();
            if path.is_none() {
                self.cx.error_at(span, format_args!("expected a path: `{form}`"));
            }
            path
        });
        self.fill(slot, value);
    }

    /// An expression. It is taken as it is: the compiler says what is wrong with it.
    pub(super) fn expression(&self, slot: &mut Slot<TokenStream>, form: &str) {
        let value = self.value(form).and_then(|input| {
            let tokens = expression(input);
            if tokens.is_none() {
                self.wrong_form(format_args!("needs a value: `{form}`"));
            }
            tokens
        });
        self.fill(slot, value);
    }

    /// Items in parentheses, with commas between. What is wrong with them is recorded.
    pub(super) fn list<T>(&self, form: &str, parse: fn(ParseStream<'_>) -> syn::Result<T>) -> Option<Vec<T>> {
        let items = || {
            let content;
            syn::parenthesized!(content in self.input);
            let items = Punctuated::<_, Token![,]>::parse_terminated_with(&content, parse);
            // What is left would be an error by itself.
            content.parse::<TokenStream>()?;
            Ok(items?.into_iter().collect())
        };
        if !self.has_list() {
            self.wrong_form(format_args!("takes a list: `{form}`"));
            return None;
        }
        items().map_err(|error| self.cx.push(error)).ok()
    }

    /// What was read of something that can be written once, if it could be.
    pub(super) fn maybe_once<T>(&self, slot: &mut Slot<T>, value: Option<T>) {
        self.fill(slot, value);
    }

    /// What was read of a list that can be written once.
    pub(super) fn once<T>(&self, slot: &mut Slot<T>, value: T) {
        self.fill(slot, Some(value));
    }

    /// Puts what was read into its slot, which takes one value.
    fn fill<T>(&self, slot: &mut Slot<T>, value: Option<T>) {
        if !slot.set(&self.ident, self.is_guess, value) && !self.is_guess {
            self.cx.error(&self.ident, format_args!("`{}` is written twice", self.symbol));
        }
    }

    fn literal<T>(&self, form: &str, expected: &str, pick: impl FnOnce(Lit) -> Option<T>) -> Option<T> {
        let input = self.value(form)?;
        let span = input.span();
        let picked = input.parse::<Lit>().ok().and_then(pick);
        if picked.is_none() {
            self.cx.error_at(span, format_args!("expected {expected}: `{form}`"));
        }
        picked
    }

    /// Records that the key has another form. Does nothing if the key is only a guess: the error
    /// about the key itself is recorded already.
    fn wrong_form(&self, complaint: impl Display) {
        if !self.is_guess {
            self.cx.error(&self.ident, format_args!("`{}` {complaint}", self.symbol));
        }
    }

    /// What follows `=`.
    fn value(&self, form: &str) -> Option<ParseStream<'_>> {
        let value = self.input.parse::<Token![=]>().ok().map(|_| self.input);
        if value.is_none() {
            self.wrong_form(format_args!("needs a value: `{form}`"));
        }
        value
    }
}

/// The tokens of an expression. Of what syn does not know without its feature `full` they are those
/// up to a comma.
fn expression(input: ParseStream<'_>) -> Option<TokenStream> {
    let ahead = input.fork();
    let tokens = match ahead.parse::<Expr>() {
        Ok(expression) if ahead.is_empty() || ahead.peek(Token![,]) => {
            input.advance_to(&ahead);
            expression.into_token_stream()
        }
        _ => rest_of_value(input).ok()?,
    };
    (!tokens.is_empty()).then_some(tokens)
}
