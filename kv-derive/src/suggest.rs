//! The nearest spelling of a name that is not known.

/// A part of an error message: the known name nearest to `found`, or nothing if none is near.
pub(crate) fn did_you_mean<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(found, known).map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// Names in backquotes, with commas between.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The known name nearest to `found`, if one is near.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = |name: &&str| {
        let changes = distance(&found.to_lowercase(), &name.to_lowercase());
        (changes <= found.len().max(name.len()).div_ceil(3)).then_some(changes)
    };
    known
        .into_iter()
        .filter_map(|name| near(&name).map(|changes| (changes, name)))
        .min()
        .map(|(_, name)| name)
}

/// How many letters have to be put in, taken out, replaced or exchanged with their neighbours.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut least = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_single_changes() {
        for (from, to, changes) in
            [("", "", 0), ("ttl", "", 3), ("prefx", "prefix", 1), ("tlt", "ttl", 1), ("id", "idd", 1)]
        {
            assert_eq!(distance(from, to), changes, "{from} -> {to}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        let known = ["prefix", "version", "ttl"];
        assert_eq!(did_you_mean("prefx", known), " (did you mean `prefix`?)");
        assert_eq!(did_you_mean("Version", known), " (did you mean `version`?)");
        assert_eq!(did_you_mean("colour", known), "");
    }
}
