//! The derive macros of `kv-runtime`, which re-exports them: an application depends on that crate alone.
//!
//! The way of a struct through this crate: `attr` reads what is written, `model` says what it means, `check` holds
//! the rules, `expand` writes the code. Every mistake goes to `ctxt`, and all of them are reported at once.

mod attr;
mod case;
mod check;
mod ctxt;
mod expand;
mod model;
mod suggest;
mod symbol;
#[cfg(test)]
mod tests;
mod tokens;

use proc_macro::TokenStream;
use syn::DeriveInput;

use crate::ctxt::Ctxt;

#[doc = include_str!("../docs/entity.md")]
#[proc_macro_derive(KvEntity, attributes(kv, serde))]
pub fn kv_entity(input: TokenStream) -> TokenStream {
    derive(input.into(), derive_entity).into()
}

#[doc = include_str!("../docs/id.md")]
#[proc_macro_derive(KvId, attributes(kv))]
pub fn kv_id(input: TokenStream) -> TokenStream {
    derive(input.into(), derive_id).into()
}

/// What `kv_runtime::schema!` proves of its list.
#[doc(hidden)]
#[proc_macro]
pub fn schema_checks(input: TokenStream) -> TokenStream {
    expand::schema_checks(input.into()).into()
}

fn derive(
    input: proc_macro2::TokenStream,
    derive: fn(&DeriveInput) -> proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    match syn::parse2(input) {
        Ok(input) => derive(&input),
        Err(error) => error.to_compile_error(),
    }
}

fn derive_entity(input: &DeriveInput) -> proc_macro2::TokenStream {
    let cx = Ctxt::new();
    let container = attr::Container::read(&cx, input);
    let krate = container.krate.clone();
    let entity = model::Entity::read(&cx, input, container);
    if let Some(entity) = &entity {
        check::check(&cx, entity);
    }
    match (cx.check(), entity) {
        (Ok(()), Some(entity)) => expand::entity(&entity),
        (Ok(()), None) => expand::entity_fallback(input, &krate, None),
        (Err(mut errors), entity) => {
            errors.extend(expand::entity_fallback(input, &krate, entity.as_ref()));
            errors
        }
    }
}

fn derive_id(input: &DeriveInput) -> proc_macro2::TokenStream {
    let cx = Ctxt::new();
    let attr = attr::IdType::read(&cx, &input.attrs);
    let krate = attr.krate.clone();
    let id = model::Id::read(&cx, input, attr);
    match (cx.check(), id) {
        (Ok(()), Some(id)) => expand::id(&id),
        (Ok(()), None) => expand::id_fallback(input, &krate),
        (Err(mut errors), _) => {
            errors.extend(expand::id_fallback(input, &krate));
            errors
        }
    }
}
