//! Where a type borrows.

use syn::{GenericArgument, PathArguments, Type, TypeReference};

/// The first reference that a value of this type would hold; also one of a type that a macro was
/// given.
pub(super) fn borrow_in(ty: &Type) -> Option<&TypeReference> {
    match ty {
        Type::Reference(reference) => Some(reference),
        Type::Group(group) => borrow_in(&group.elem),
        Type::Paren(paren) => borrow_in(&paren.elem),
        Type::Array(array) => borrow_in(&array.elem),
        Type::Slice(slice) => borrow_in(&slice.elem),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(borrow_in),
        // Of a phantom nothing is held.
        Type::Path(path) => {
            path.path.segments.iter().filter(|it| it.ident != "PhantomData").find_map(|segment| {
                let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
                arguments.args.iter().find_map(|argument| match argument {
                    GenericArgument::Type(ty) => borrow_in(ty),
                    _ => None,
                })
            })
        }
        _ => None,
    }
}
