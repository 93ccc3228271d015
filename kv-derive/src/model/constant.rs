//! Whether an expression is a constant, as far as its tokens tell.

use proc_macro2::TokenStream;
use syn::{Expr, ExprCall, ExprMethodCall, Lit};

/// Whether this is the same value each time, also where a constant of the language cannot be it, as
/// `"en".to_owned()` cannot. Of other functions only the compiler can tell.
pub(crate) fn is_constant(expression: TokenStream) -> bool {
    syn::parse2(expression).is_ok_and(|expression| is_constant_expr(&expression))
}

fn is_constant_expr(expression: &Expr) -> bool {
    match expression {
        Expr::Lit(_) | Expr::Path(_) => true,
        Expr::Group(group) => is_constant_expr(&group.expr),
        Expr::Paren(paren) => is_constant_expr(&paren.expr),
        Expr::Unary(unary) => is_constant_expr(&unary.expr),
        Expr::Cast(cast) => is_constant_expr(&cast.expr),
        Expr::Binary(binary) => is_constant_expr(&binary.left) && is_constant_expr(&binary.right),
        Expr::Call(call) => is_constructor(call) && call.args.iter().all(is_constant_expr),
        Expr::MethodCall(call) => is_owned_text(call),
        _ => false,
    }
}

/// `Some(...)`, `UserId(...)`, `String::new()`, `String::from(...)`: a tuple struct or a variant, whose names
/// begin with a capital letter, or a `String`.
fn is_constructor(call: &ExprCall) -> bool {
    let Expr::Path(function) = &*call.func else { return false };
    let names: Vec<String> = function.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    match names.as_slice() {
        [.., ty, function] if ty == "String" => matches!(function.as_str(), "new" | "from"),
        [.., last] => last.starts_with(char::is_uppercase),
        [] => false,
    }
}

/// `"text".to_owned()`, and other words for that.
fn is_owned_text(call: &ExprMethodCall) -> bool {
    let is_text = matches!(&*call.receiver, Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)));
    let is_conversion = ["to_owned", "to_string", "into"].iter().any(|name| call.method == name);
    is_text && is_conversion && call.args.is_empty()
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn literals_constants_and_what_is_made_of_them() {
        for expression in [
            quote!(0),
            quote!(-1),
            quote!(3 + 4),
            quote!((1 << 3) as u64),
            quote!(limits::RANK),
            quote!(Role::Guest),
            quote!(None),
            quote!(Some(UserId(7))),
            quote!("en".to_owned()),
            quote!("en".into()),
            quote!(Some("en".to_string())),
            quote!(String::new()),
            quote!(std::string::String::from("en")),
        ] {
            assert!(is_constant(expression.clone()), "{expression}");
        }
    }

    #[test]
    fn other_calls_are_left_to_the_compiler() {
        for expression in [
            quote!(now()),
            quote!(Timestamp::now()),
            quote!(Some(now())),
            quote!(name().to_owned()),
            quote!("en".repeat(2)),
            quote!(1 + next()),
            quote!(random!()),
            quote!(),
        ] {
            assert!(!is_constant(expression.clone()), "{expression}");
        }
    }
}
