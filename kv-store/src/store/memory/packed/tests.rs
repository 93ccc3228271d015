//! It is compared with a sorted map, and its room is measured.

use proptest::prelude::*;

use super::*;

fn keys() -> impl Strategy<Value = String> {
    // Few beginnings, ends that differ, and some that are too long for a block.
    prop_oneof![
        "user!(email|team)!(aé|aê|b){0,4}[0-9]{0,3}!",
        "[a-c]{0,3}",
        (0_usize..3, "[xy]{0,2}").prop_map(|(long, end)| "k".repeat(long * 700) + &end),
    ]
}

fn all(map: &PackedMap, range: (Bound<&str>, Bound<&str>), is_reverse: bool) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    map.visit(range, is_reverse, |key, value| {
        found.push((key.to_owned(), value.to_vec()));
        true
    });
    found
}

proptest! {
    #[test]
    fn it_is_a_sorted_map(
        steps in prop::collection::vec((keys(), prop::option::of(0_usize..200)), 0..400),
        from in keys(), to in keys(),
    ) {
        let (mut map, mut model) = (PackedMap::default(), BTreeMap::<String, Vec<u8>>::new());
        for (key, value) in steps {
            match value {
                Some(len) => {
                    map.insert(&key, &vec![7; len]);
                    model.insert(key, vec![7; len]);
                }
                None => prop_assert_eq!(map.remove(&key), model.remove(&key).is_some()),
            }
            prop_assert_eq!(map.len(), model.len());
        }
        for (key, value) in &model {
            prop_assert_eq!(map.get(key), Some(&**value));
        }
        prop_assert_eq!(map.get(&from).map(<[u8]>::to_vec), model.get(&from).cloned());
        for bounds in [
            (Bound::Unbounded, Bound::Unbounded),
            (Bound::Included(&*from), Bound::Excluded(&*to)),
            (Bound::Excluded(&*from), Bound::Included(&*to)),
            (Bound::Excluded(&*from), Bound::Unbounded),
            (Bound::Unbounded, Bound::Included(&*to)),
        ] {
            let within = |key: &String| {
                std::ops::RangeBounds::<str>::contains(&bounds, key.as_str())
            };
            let expected: Vec<_> = model.clone().into_iter().filter(|(key, _)| within(key)).collect();
            prop_assert_eq!(&all(&map, bounds, false), &expected);
            let reverse: Vec<_> = expected.into_iter().rev().collect();
            prop_assert_eq!(all(&map, bounds, true), reverse);
        }
    }
}

/// In order, in the reverse of it and in no order, an entry takes little more than its key.
#[test]
fn keys_take_little_room() {
    let key = |number: usize| format!("user!team!{:010}!{number:020}!", number / 100);
    let orders: [Box<dyn Fn(usize) -> usize>; 3] = [
        Box::new(|number| number),
        Box::new(|number| 9_999 - number),
        Box::new(|number| number * 7_919 % 10_000),
    ];
    for order in orders {
        let mut map = PackedMap::default();
        for number in 0..10_000 {
            map.insert(&key(order(number)), &[]);
        }
        let block = |(first, block): (&First, &Block)| first.len() + block.bytes.capacity() + 64;
        let bytes: usize = map.blocks.iter().map(block).sum();
        // The key has 42 bytes, of which the blocks share about 18.
        assert!(bytes / 10_000 < 50, "{} bytes for each", bytes / 10_000);
    }
}
