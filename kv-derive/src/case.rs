//! Names in other cases: serde's for the variants of an enum and for fields, camel case for a view.

use crate::suggest::{did_you_mean, listed};

/// How `rename_all` writes the variants of an enum, or the fields of a struct. The same words and results as serde's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const CASES: [(&str, Case); 8] = [
    ("lowercase", Case::Lower),
    ("UPPERCASE", Case::Upper),
    ("PascalCase", Case::Pascal),
    ("camelCase", Case::Camel),
    ("snake_case", Case::Snake),
    ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
    ("kebab-case", Case::Kebab),
    ("SCREAMING-KEBAB-CASE", Case::ScreamingKebab),
];

impl Case {
    /// The case of this name; or what is wrong with it.
    pub(crate) fn read(name: &str) -> Result<Self, String> {
        let names = || CASES.iter().map(|(name, _)| *name);
        let found = CASES.iter().find(|(known, _)| *known == name);
        found.map(|(_, case)| *case).ok_or_else(|| {
            format!("unknown case {name:?}{}; the cases are {}", did_you_mean(name, names()), listed(names()))
        })
    }

    /// The text of a variant, whose name is in Pascal case.
    pub(crate) fn apply(self, variant: &str) -> String {
        match self {
            Self::Pascal => variant.to_owned(),
            Self::Lower => variant.to_ascii_lowercase(),
            Self::Upper => variant.to_ascii_uppercase(),
            Self::Camel => first_letter(variant, |letter| letter.to_ascii_lowercase()),
            Self::Snake => separated(variant, '_'),
            Self::ScreamingSnake => separated(variant, '_').to_ascii_uppercase(),
            Self::Kebab => separated(variant, '_').replace('_', "-"),
            Self::ScreamingKebab => separated(variant, '_').replace('_', "-").to_ascii_uppercase(),
        }
    }

    /// The name of a field, which is in snake case.
    pub(crate) fn apply_to_field(self, field: &str) -> String {
        match self {
            Self::Lower | Self::Snake => field.to_owned(),
            Self::Upper | Self::ScreamingSnake => field.to_ascii_uppercase(),
            Self::Pascal => pascal(field),
            Self::Camel => first_letter(&pascal(field), |letter| letter.to_ascii_lowercase()),
            Self::Kebab => field.replace('_', "-"),
            Self::ScreamingKebab => field.to_ascii_uppercase().replace('_', "-"),
        }
    }
}

/// `user_name` as `UserName`, the way serde does it: only underscores end words.
fn pascal(field: &str) -> String {
    field.split('_').map(|word| first_letter(word, |letter| letter.to_ascii_uppercase())).collect()
}

/// `user-settings` as `UserSettings`: whatever is no letter or digit ends a word.
pub(crate) fn camel(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.map(|word| first_letter(word, |letter| letter.to_ascii_uppercase())).collect()
}

fn first_letter(word: &str, change: impl Fn(char) -> char) -> String {
    let mut letters = word.chars();
    letters.next().map(change).into_iter().chain(letters).collect()
}

fn separated(variant: &str, separator: char) -> String {
    let mut text = String::new();
    for (at, letter) in variant.char_indices() {
        if at > 0 && letter.is_uppercase() {
            text.push(separator);
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_serdes() {
        let expected =
            ["outcome", "OUTCOME", "Outcome", "outcome", "outcome", "OUTCOME", "outcome", "OUTCOME"];
        for ((_, case), expected) in CASES.iter().zip(expected) {
            assert_eq!(case.apply("Outcome"), expected);
        }
        let expected = [
            "verytasty",
            "VERYTASTY",
            "VeryTasty",
            "veryTasty",
            "very_tasty",
            "VERY_TASTY",
            "very-tasty",
            "VERY-TASTY",
        ];
        for ((_, case), expected) in CASES.iter().zip(expected) {
            assert_eq!(case.apply("VeryTasty"), expected);
        }
    }

    #[test]
    fn cases_of_fields_are_serdes() {
        let expected = [
            "_very_tasty2",
            "_VERY_TASTY2",
            "VeryTasty2",
            "veryTasty2",
            "_very_tasty2",
            "_VERY_TASTY2",
            "-very-tasty2",
            "-VERY-TASTY2",
        ];
        for ((_, case), expected) in CASES.iter().zip(expected) {
            assert_eq!(case.apply_to_field("_very_tasty2"), expected);
        }
    }

    #[test]
    fn words_are_joined_in_camel_case() {
        assert_eq!(camel("settings"), "Settings");
        assert_eq!(camel("user-settings.v2_x"), "UserSettingsV2X");
        assert_eq!(camel("2fa"), "2fa");
    }
}
