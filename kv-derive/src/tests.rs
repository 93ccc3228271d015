//! What the derives write, and what they tell, without a compiler in between.

mod bounds;
mod messages;
mod paths;
mod snapshots;
mod ui;

use proc_macro2::TokenStream;
use quote::quote;

fn entity(input: TokenStream) -> TokenStream {
    super::derive(input, super::derive_entity)
}

fn id(input: TokenStream) -> TokenStream {
    super::derive(input, super::derive_id)
}

fn id_types() -> TokenStream {
    let newtype = id(quote! { struct UserId(u64); });
    let enumeration = id(quote! {
        #[kv(rename_all = "kebab-case")]
        enum Flag { NewHome, #[kv(rename = "beta.2")] Beta }
    });
    quote!(#newtype #enumeration)
}
