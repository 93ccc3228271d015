//! Old code's change of a newer record.

use serde_json::Value;

/// Applies the difference from `before` to `after` to what stands there, recursively through objects: what this code does not know
/// survives. Anything but an object is one value, replaced if it was changed.
pub(crate) fn merge(standing: &mut Value, before: &Value, after: &Value) {
    let (Value::Object(standing), Value::Object(before), Value::Object(after)) =
        (&mut *standing, before, after)
    else {
        if before != after {
            *standing = after.clone();
        }
        return;
    };
    standing.retain(|name, _| after.contains_key(name) || !before.contains_key(name));
    for (name, after) in after {
        match (standing.get_mut(name), before.get(name)) {
            (Some(standing), Some(before)) => merge(standing, before, after),
            // This code reads an absent member as a default, and leaves it absent unless it was changed.
            (None, Some(before)) if before == after => {}
            _ => {
                standing.insert(name.clone(), after.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_unknown_survives() {
        let mut standing = json!({"a": 1, "new": {"x": 1}, "nested": {"b": 1, "new": true}, "list": [1, {"new": 1}], "gone": 1});
        let before = json!({"a": 1, "nested": {"b": 1}, "list": [1, {}], "gone": 1, "absent": 0});
        let after = json!({"a": 2, "nested": {"b": 2, "c": 3}, "list": [1, {}], "absent": 0});
        merge(&mut standing, &before, &after);
        assert_eq!(
            standing,
            json!({"a": 2, "new": {"x": 1}, "nested": {"b": 2, "new": true, "c": 3}, "list": [1, {"new": 1}]})
        );
    }

    #[test]
    fn what_is_not_an_object_is_replaced_as_a_whole() {
        let mut standing = json!({"list": [1, {"new": 1}], "kind": {"A": {"new": 1}}});
        merge(&mut standing, &json!({"list": [1], "kind": "B"}), &json!({"list": [2], "kind": {"A": {}}}));
        assert_eq!(standing, json!({"list": [2], "kind": {"A": {}}}));
    }
}
