//! No value of a random type comes back changed: it is refused before it is stored, or it is the
//! same.

#[test]
fn no_value_comes_back_changed() {
    let mut harness = random_types::harness::Harness::new(7).expect("a file can be made");
    random_types::check_all(&mut harness);
    let faults = &harness.faults;
    assert!(faults.is_empty(), "{} faults, of which the first is {}", faults.len(), faults[0]);
    assert!(harness.stored > harness.refused, "{} stored, {} refused", harness.stored, harness.refused);
}
