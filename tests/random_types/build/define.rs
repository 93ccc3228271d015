//! Definitions of types, and of what makes values of them.

use fastrand::Rng;

use crate::attributes::{Tagging, of_enum, of_field, of_struct, of_variant, one_in, serde};
use crate::types::{Type, any, flattened};

const DERIVES: &str = "#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]";

/// So many types, of which each may have those before it; and whether the last one is loose.
pub fn module(rng: &mut Rng, types: usize) -> (String, bool) {
    let (mut code, mut known) = (String::new(), Vec::<Type>::new());
    for place in 0..types {
        let name = format!("T{place}");
        let (definition, ty) = match rng.u8(0..10) {
            0..5 => with_names(rng, &name, &known),
            5 => newtype(rng, &name, &known),
            6 => tuple(rng, &name, &known),
            _ => variants(rng, &name, &known),
        };
        code.push_str(&definition);
        known.push(ty);
    }
    (code, known.last().is_some_and(|last| last.is_loose))
}

/// Fields, as they are declared, and the expression of a random value of each.
struct Fields {
    declared: Vec<String>,
    values: Vec<String>,
    is_loose: bool,
    flattens: bool,
}

fn fields(rng: &mut Rng, known: &[Type], may_flatten: bool, public: &str) -> Fields {
    let mut all = Fields { declared: Vec::new(), values: Vec::new(), is_loose: false, flattens: false };
    for place in 0..rng.usize(0..5) {
        let name = format!("field_{}", ["a", "b", "c", "d", "e"][place]);
        if may_flatten
            && one_in(rng, 7)
            && let Some(ty) = flattened(rng, known)
        {
            all.declared.push(format!("#[serde(flatten)] {public}{name}: {}", ty.text));
            all.values.push(format!("{name}: any(rng)"));
            all.is_loose |= ty.is_loose;
            all.flattens = true;
            continue;
        }
        let ty = any(rng, known, 2);
        let (attributes, is_default) = of_field(rng, &name, &ty);
        all.declared.push(format!("{} {public}{name}: {}", serde(&attributes), ty.text));
        let value = if is_default { "Default::default()" } else { "any(rng)" };
        all.values.push(format!("{name}: {value}"));
        all.is_loose |= ty.is_loose;
    }
    all
}

fn with_names(rng: &mut Rng, name: &str, known: &[Type]) -> (String, Type) {
    let fields = fields(rng, known, true, "pub ");
    let mut attributes = of_struct(rng, fields.flattens);
    if one_in(rng, 12) {
        attributes.push("tag = \"type\"".to_owned());
    }
    let code = format!(
        "    {DERIVES}\n    #[derive(Default)]\n    {}\n    pub struct {name} {{ {} }}\n{}",
        serde(&attributes),
        fields.declared.join(", "),
        make(name, &format!("{name} {{ {} }}", fields.values.join(", "))),
    );
    let text = name.to_owned();
    (code, Type { text, is_nullable: false, is_loose: fields.is_loose, is_object: true })
}

fn make(name: &str, value: &str) -> String {
    format!(
        "    impl Any for {name} {{\n        fn any(rng: &mut Rng) -> Self {{ let _ = &rng; {value} }}\n    }}\n"
    )
}

fn newtype(rng: &mut Rng, name: &str, known: &[Type]) -> (String, Type) {
    let inner = any(rng, known, 2);
    let attribute = if one_in(rng, 2) { "#[serde(transparent)]" } else { "" };
    let code = format!(
        "    {DERIVES}\n    #[derive(Default)]\n    {attribute}\n    pub struct {name}(pub {});\n{}",
        inner.text,
        make(name, &format!("{name}(any(rng))")),
    );
    (code, Type { text: name.to_owned(), ..inner })
}

fn tuple(rng: &mut Rng, name: &str, known: &[Type]) -> (String, Type) {
    let parts: Vec<_> = (0..rng.usize(0..4)).map(|_| any(rng, known, 2)).collect();
    let types: Vec<_> = parts.iter().map(|part| format!("pub {}", part.text)).collect();
    let (declared, value) = match parts.len() {
        0 => (";".to_owned(), name.to_owned()),
        len => (format!("({});", types.join(", ")), format!("{name}({})", vec!["any(rng)"; len].join(", "))),
    };
    let code = format!(
        "    {DERIVES}\n    #[derive(Default)]\n    pub struct {name}{declared}\n{}",
        make(name, &value)
    );
    // One part alone is a newtype, and none is a unit.
    let is_nullable = parts.is_empty() || (parts.len() == 1 && parts[0].is_nullable);
    let is_loose = parts.iter().any(|part| part.is_loose);
    (code, Type { text: name.to_owned(), is_nullable, is_loose, is_object: false })
}

fn variants(rng: &mut Rng, name: &str, known: &[Type]) -> (String, Type) {
    let (attributes, tagging) = of_enum(rng);
    let (mut declared, mut values, mut is_loose) = (Vec::new(), Vec::new(), tagging == Tagging::Untagged);
    let mut is_nullable = false;
    for place in 0..rng.usize(1..5) {
        let variant = format!("Variant{}", ["A", "B", "C", "D"][place]);
        let own = serde(&if place == 0 { Vec::new() } else { of_variant(rng, &variant) });
        match rng.u8(0..4) {
            0 => {
                declared.push(format!("{own} {variant}"));
                values.push(format!("{name}::{variant}"));
                is_nullable |= tagging == Tagging::Untagged;
            }
            1 => {
                let inner = any(rng, known, 1);
                declared.push(format!("{own} {variant}({})", inner.text));
                values.push(format!("{name}::{variant}(any(rng))"));
                is_loose |= inner.is_loose;
                is_nullable |= tagging == Tagging::Untagged && inner.is_nullable;
            }
            2 if tagging != Tagging::Internal => {
                let (a, b) = (any(rng, known, 1), any(rng, known, 1));
                declared.push(format!("{own} {variant}({}, {})", a.text, b.text));
                values.push(format!("{name}::{variant}(any(rng), any(rng))"));
                is_loose |= a.is_loose || b.is_loose;
            }
            _ => {
                let fields = fields(rng, known, true, "");
                declared.push(format!("{own} {variant} {{ {} }}", fields.declared.join(", ")));
                values.push(format!("{name}::{variant} {{ {} }}", fields.values.join(", ")));
                is_loose |= fields.is_loose;
            }
        }
    }
    let arms: Vec<_> =
        values.iter().enumerate().map(|(place, value)| format!("{place} => {value}")).collect();
    let value = format!("match rng.usize(..{}) {{ {}, _ => unreachable!() }}", values.len(), arms.join(", "));
    let code = format!(
        "    {DERIVES}\n    {}\n    pub enum {name} {{ {} }}\n{}    impl Default for {name} {{\n        fn default() -> Self {{ let rng = &mut Rng::with_seed(0); let _ = &rng; {} }}\n    }}\n",
        serde(&attributes),
        declared.join(", "),
        make(name, &value),
        values[0],
    );
    let is_object = matches!(tagging, Tagging::Internal | Tagging::Adjacent);
    (code, Type { text: name.to_owned(), is_nullable, is_loose, is_object })
}
