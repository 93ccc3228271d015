//! The one name that generated code has for the runtime, so that an expansion can be read: `__kv`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

use crate::attr::Slot;

/// Puts `items` into a block in which `__kv` is what generated code may name of the runtime.
pub(super) fn block(krate: &Slot<Path>, attrs: &TokenStream, items: &TokenStream) -> TokenStream {
    let runtime = runtime(krate);
    quote! {
        #[doc(hidden)]
        #attrs
        const _: () = {
            use #runtime::__private as __kv;
            #items
        };
    }
}

/// The path that `crate = "..."` gives, or the runtime's own name.
pub(super) fn runtime(krate: &Slot<Path>) -> TokenStream {
    krate.get().map_or_else(|| quote!(::kv_runtime), ToTokens::to_token_stream)
}
