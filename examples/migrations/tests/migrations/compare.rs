//! Countries against countries, member by member.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::new::New;
use crate::releases::Countries;

/// What differs.
pub struct Comparison {
    /// Country, member, migrated and released value, in columns; sorted. `-` is a value that is not
    /// there.
    pub differences: Vec<String>,
    /// How many members each `New` covers.
    pub new: Vec<usize>,
}

/// Compares every member of every country of both sides, down through objects. A list is one value.
pub fn compare(migrated: &Countries, released: &Countries, new: &[New]) -> Comparison {
    let mut comparing = Comparing {
        country: "",
        new,
        result: Comparison { differences: Vec::new(), new: vec![0; new.len()] },
    };
    for code in migrated.keys().chain(released.keys()).collect::<BTreeSet<_>>() {
        comparing.country = code;
        match (migrated.get(code), released.get(code)) {
            (Some(_), None) => comparing.differs("(record)", "present", "-"),
            (None, Some(_)) => comparing.differs("(record)", "-", "present"),
            (migrated, released) => {
                let value = |country: Option<&_>| country.cloned().map(Value::Object);
                comparing.member("", value(migrated).as_ref(), value(released).as_ref());
            }
        }
    }
    comparing.result.differences.sort();
    comparing.result
}

struct Comparing<'a> {
    country: &'a str,
    new: &'a [New],
    result: Comparison,
}

impl Comparing<'_> {
    fn member(&mut self, path: &str, migrated: Option<&Value>, released: Option<&Value>) {
        let objects = [migrated, released].map(|it| it.and_then(Value::as_object));
        // An object beside nothing is all of its members beside nothing; an empty one has none, and
        // is a value itself.
        let is_value = match objects {
            [Some(_), Some(_)] => false,
            [Some(object), None] => object.is_empty() || released.is_some(),
            [None, Some(object)] => object.is_empty() || migrated.is_some(),
            [None, None] => true,
        };
        if !is_value {
            let names: BTreeSet<&String> =
                objects.iter().flatten().flat_map(|object| object.keys()).collect();
            for name in names {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let [migrated, released] = objects.map(|object| object?.get(name));
                self.member(&path, migrated, released);
            }
            return;
        }
        if same(migrated, released) {
            return;
        }
        if released.is_some()
            && let Some(new) = self.new.iter().position(|new| new.explains(path, migrated))
        {
            self.result.new[new] += 1;
            return;
        }
        let [migrated, released] = [migrated, released].map(|it| it.map_or("-".to_owned(), Value::to_string));
        self.differs(path, &migrated, &released);
    }

    fn differs(&mut self, path: &str, migrated: &str, released: &str) {
        self.result.differences.push(format!("{}\t{path}\t{migrated}\t{released}", self.country));
    }
}

/// 3 and 3.0 are one number; there is no other allowance.
fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_f64() == b.as_f64(),
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(Some(a), Some(b)))
        }
        (a, b) => a == b,
    }
}

#[test]
fn a_comparison_misses_nothing() {
    let country =
        |value: Value| Countries::from([("XYZ".to_owned(), value.as_object().cloned().unwrap_or_default())]);
    let found = |a, b, new: &[New]| compare(&country(a), &country(b), new).differences;
    use serde_json::json;

    assert!(found(json!({"a": 1, "b": [2]}), json!({"a": 1.0, "b": [2.0]}), &[]).is_empty());
    assert_eq!(
        found(
            json!({"a": {"x": 1, "y": 2}, "b": [1, 2]}),
            json!({"a": {"x": 2, "z": null}, "b": [2, 1]}),
            &[]
        ),
        ["XYZ\ta.x\t1\t2", "XYZ\ta.y\t2\t-", "XYZ\ta.z\t-\tnull", "XYZ\tb\t[1,2]\t[2,1]"]
    );
    assert_eq!(
        found(
            json!({"a": {}, "b": {}, "c": {}, "d": null}),
            json!({"a": [], "c": {"x": 1}, "d": {"x": 1}}),
            &[]
        ),
        ["XYZ\ta\t{}\t[]", "XYZ\tb\t{}\t-", "XYZ\tc.x\t-\t1", "XYZ\td\tnull\t{\"x\":1}"]
    );
    assert_eq!(
        compare(&country(json!({})), &Countries::new(), &[]).differences,
        ["XYZ\t(record)\tpresent\t-"]
    );

    // What is new explains what is not there, and neither another value nor a loss.
    let new = [New { path: "a.*", migrated: crate::new::Migrated::Absent, why: "", count: 1 }];
    let Comparison { differences, new } = compare(
        &country(json!({"a": {"x": 1, "y": 2, "n": null}})),
        &country(json!({"a": {"x": 2, "z": 3, "n": 1}})),
        &new,
    );
    assert_eq!(differences, ["XYZ\ta.n\tnull\t1", "XYZ\ta.x\t1\t2", "XYZ\ta.y\t2\t-"]);
    assert_eq!(new, [1]);
}
