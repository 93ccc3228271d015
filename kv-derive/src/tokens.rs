//! Tokens as text that does not depend on how the source was spaced.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// `Map<String, Vec<u8>>`, however it was written.
pub(crate) fn text(tokens: impl Into<TokenStream>) -> String {
    let mut text = String::new();
    write(tokens.into(), &mut text);
    text
}

fn write(tokens: TokenStream, out: &mut String) {
    for token in tokens {
        let word = match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                write(group.stream(), out);
                out.push_str(close);
                continue;
            }
            TokenTree::Punct(punct) => {
                match punct.as_char() {
                    ',' => out.push_str(", "),
                    ';' => out.push_str("; "),
                    '=' => out.push_str(" = "),
                    other => out.push(other),
                }
                continue;
            }
            TokenTree::Ident(word) => word.to_string(),
            TokenTree::Literal(literal) => literal.to_string(),
        };
        if out.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
            out.push(' ');
        }
        out.push_str(&word);
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::text;

    #[test]
    fn spaces_stand_where_words_meet() {
        let types = quote!(Option<std::collections::BTreeMap<String, [u8; 4]>>);
        assert_eq!(text(types), "Option<std::collections::BTreeMap<String, [u8; 4]>>");
        assert_eq!(text(quote!(&'static dyn Shown)), "&'static dyn Shown");
        assert_eq!(text(quote!(default = "ten")), "default = \"ten\"");
    }
}
