//! The view of a group: its name and its parameters.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{GenericParam, Generics, Ident, WherePredicate};

use super::entity::{Entity, Group};
use super::generics::{mentions, names};
use crate::case::camel;

impl<'a> Entity<'a> {
    /// The groups that have a view: all of several. The view of a single one would be the entity
    /// itself.
    pub(crate) fn viewed_groups(&self) -> &[Group<'a>] {
        if self.groups.len() > 1 { &self.groups } else { &[] }
    }

    /// The name of a group's view.
    pub(crate) fn view_name(&self, group: &Group<'a>) -> Ident {
        let written = group.attr.view.get().cloned();
        written.unwrap_or_else(|| Ident::new(&self.made_view_name(group), self.ident.span()))
    }

    /// What a group's view is called unless `view = "..."` says otherwise.
    pub(crate) fn made_view_name(&self, group: &Group<'a>) -> String {
        let suffix = group.name().map_or_else(|| "Anchor".to_owned(), |name| camel(&name));
        format!("{}{suffix}", self.name())
    }

    /// The type that a group's records make by themselves: its view, or the entity if it has one
    /// group.
    pub(crate) fn type_of(&self, group: &Group<'a>) -> TokenStream {
        if self.viewed_groups().is_empty() {
            return quote!(Self);
        }
        let name = self.view_name(group);
        let generics = self.view_generics(group);
        let (_, args, _) = generics.split_for_impl();
        quote!(#name #args)
    }

    /// The parameters that the view's fields use, and the predicates that name no other.
    pub(crate) fn view_generics(&self, group: &Group<'a>) -> Generics {
        let fields: TokenStream =
            self.ids.iter().chain(&group.fields).map(|field| field.ty.to_token_stream()).collect();
        let is_used = |ident: &Ident| mentions(fields.clone(), &[ident.to_string()]);
        let unused: Vec<String> = names(&self.generics)
            .into_iter()
            .filter(|name| !mentions(fields.clone(), std::slice::from_ref(name)))
            .collect();
        let names_unused = |tokens: TokenStream| mentions(tokens, &unused);

        let mut generics = self.generics.clone();
        generics.params = std::mem::take(&mut generics.params)
            .into_iter()
            .filter_map(|param| match param {
                GenericParam::Type(mut param) if is_used(&param.ident) => {
                    let bounds = std::mem::take(&mut param.bounds);
                    param.bounds =
                        bounds.into_iter().filter(|bound| !names_unused(bound.to_token_stream())).collect();
                    param.default =
                        param.default.filter(|(_, default)| !names_unused(default.to_token_stream()));
                    Some(GenericParam::Type(param))
                }
                GenericParam::Const(param) if is_used(&param.ident) => Some(GenericParam::Const(param)),
                _ => None,
            })
            .collect();
        if let Some(clause) = &mut generics.where_clause {
            let names_self =
                |predicate: &WherePredicate| mentions(predicate.to_token_stream(), &[self.ident.to_string()]);
            let predicates = std::mem::take(&mut clause.predicates).into_iter();
            clause.predicates = predicates
                .filter(|predicate| !names_unused(predicate.to_token_stream()) && !names_self(predicate))
                .collect();
        }
        generics
    }
}
